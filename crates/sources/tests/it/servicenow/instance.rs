//! An instance of ServiceNow: a table of incidents, told by a business rule while they change, and by the Table API after.

use domain::Timestamp;
use domain::time::SECOND;
use serde_json::{Map, Value, json};

use crate::vendor::{Asked, Reply, SECRET};

#[derive(Default)]
pub(crate) struct Instance {
    pub(crate) records: Vec<Value>,
    pub(crate) webhooks: Vec<Value>,
    /// Most records on a page, whatever is asked for.
    pub(crate) page: usize,
    /// Answers begin at another record each time.
    pub(crate) restless: usize,
    /// Records from here on may not be seen: pages are counted with them and come without.
    pub(crate) hidden: Vec<String>,
    pub(crate) url: String,
}

pub(crate) fn naive(at: Timestamp) -> String {
    let whole = Timestamp::from_micros(at.micros().div_euclid(SECOND) * SECOND).to_string();
    whole.trim_end_matches('Z').replace('T', " ")
}

fn id(name: &str) -> String {
    format!("{:0>32}", name.to_ascii_lowercase())
}

impl Instance {
    /// A record is made, or some of its fields change.
    pub(crate) fn change(&mut self, name: &str, at: Timestamp, fields: Value) {
        let sys_id = id(name);
        if !self.records.iter().any(|record| record["sys_id"] == *sys_id) {
            self.records.push(
                json!({"sys_id": sys_id, "number": format!("INC{}", name.len()), "sys_class_name": "incident",
                "short_description": format!("Trouble {name}"), "state": "1", "priority": "3", "opened_at": naive(at),
                "sys_created_on": naive(at), "cmdb_ci": "c1", "sys_mod_count": "-1"}),
            );
        }
        let record = self.records.iter_mut().find(|record| record["sys_id"] == *sys_id).unwrap();
        for (field, value) in fields.as_object().unwrap() {
            record[field] = value.clone();
        }
        let count: i64 = record["sys_mod_count"].as_str().unwrap().parse().unwrap();
        record["sys_mod_count"] = json!((count + 1).to_string());
        record["sys_updated_on"] = json!(naive(at));
        let mut sent = shown(record);
        sent["url"] = json!(format!("{}/nav_to.do?uri=incident.do?sys_id={sys_id}", self.url));
        self.webhooks.push(sent);
    }

    pub(crate) fn answer(&mut self, asked: &Asked) -> Reply {
        let no = |status, message: &str| {
            (
                status,
                Vec::new(),
                json!({"error": {"message": message, "detail": "Required"}, "status": "failure"}).to_string(),
            )
        };
        // user:password
        let basic = format!("Basic {}", "bGVhZGxpbmU6czNjcjN0LTAxMjM0NTY3ODk=");
        let bearer = format!("Bearer {SECRET}");
        if !asked.headers.get("authorization").is_some_and(|given| *given == basic || *given == bearer) {
            return no(401, "User Not Authenticated");
        }
        if asked.path != "/api/now/table/incident" {
            return no(400, "Invalid table");
        }
        if asked.get("sysparm_display_value") != Some("all")
            || asked.get("sysparm_exclude_reference_link") != Some("true")
        {
            return no(400, "these tests give all values");
        }
        let query = asked.get("sysparm_query").unwrap();
        let mut rows: Vec<&Value> = self.records.iter().filter(|record| fits(record, query)).collect();
        assert!(query.ends_with("ORDERBYsys_id"), "{query}");
        rows.sort_by_key(|row| {
            let changed =
                if query.contains("ORDERBYsys_updated_on") { row["sys_updated_on"].as_str().unwrap() } else { "" };
            (changed.to_owned(), row["sys_id"].as_str().unwrap().to_owned())
        });
        if self.restless > 0 && !rows.is_empty() {
            self.restless -= 1;
            let turn = (5 * self.restless) % rows.len();
            rows.rotate_left(turn);
        }
        let limit = asked.number("sysparm_limit").unwrap().min(self.page);
        // Offsets are counted in pages as long as they are asked for.
        let offset = asked.number("sysparm_offset").unwrap_or(0) / asked.number("sysparm_limit").unwrap() * limit;
        let columns: Vec<&str> = asked.get("sysparm_fields").unwrap().split(',').collect();
        let page: Vec<Value> = rows
            .iter()
            .skip(offset)
            .take(limit)
            .filter(|row| !self.hidden.iter().any(|hidden| row["sys_id"] == *id(hidden)))
            .map(|row| {
                let fields = row.as_object().unwrap().iter().filter(|(name, _)| columns.contains(&name.as_str()));
                shown(&Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect()))
            })
            .collect();
        let mut headers = vec![("x-total-count", rows.len().to_string())];
        if rows.len() > offset + limit {
            headers.push(("link", format!("<{}/api/now/table/incident?more>;rel=\"next\"", self.url)));
        }
        (200, headers, json!({ "result": page }).to_string())
    }
}

/// With what people see, in a time zone eight hours behind.
fn shown(record: &Value) -> Value {
    let mut fields = Map::new();
    for (name, value) in record.as_object().unwrap() {
        let raw = value.as_str().unwrap();
        let display = match Timestamp::parse_assuming_utc(raw) {
            Ok((at, _)) => naive(at.plus(-8 * 3_600 * SECOND)),
            Err(_) if name == "cmdb_ci" => format!("item {raw}"),
            Err(_) => raw.to_owned(),
        };
        fields.insert(name.clone(), json!({"value": raw, "display_value": display}));
    }
    Value::Object(fields)
}

fn fits(record: &Value, query: &str) -> bool {
    let field = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    query.split('^').all(|term| {
        if let Some(bound) = term.strip_prefix("sys_updated_on>=") {
            field("sys_updated_on").as_str() >= bound
        } else if let Some(second) = term.strip_prefix("sys_updated_on=") {
            field("sys_updated_on") == second
        } else if let Some(after) = term.strip_prefix("sys_id>") {
            field("sys_id").as_str() > after
        } else if let Some(most) = term.strip_prefix("priority<=") {
            field("priority").as_str() <= most
        } else {
            assert!(term.starts_with("ORDERBY"), "{term}");
            true
        }
    })
}
