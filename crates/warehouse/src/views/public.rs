//! Views beside the tables.

use super::View;
use super::dora_metrics::{DAILY, DAILY_FROM};

pub(super) const VIEWS: &[View] = &[View {
    name: "lead_time_daily",
    doc: "Lead times of one product on one day, in UTC: as `dora_metrics.lead_time_daily`.",
    columns: DAILY,
    from: DAILY_FROM,
}];
