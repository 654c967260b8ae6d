fn main() {
    let args: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let warehouse = runtime.block_on(warehouse::Warehouse::open(std::path::Path::new(&args[1]))).unwrap();
    let text = std::fs::read_to_string(&args[2]).unwrap();
    for sql in text.split(';').map(str::trim).filter(|s| !s.is_empty()) {
        let mut times = Vec::new();
        let mut rows = 0;
        for _ in 0..7 {
            let start = std::time::Instant::now();
            let out = runtime.block_on(warehouse.sql(sql));
            times.push(start.elapsed().as_secs_f64() * 1e3);
            match out {
                Ok(b) => rows = b.iter().map(|b| b.num_rows()).sum(),
                Err(e) => {
                    println!("{e:?}");
                    break;
                }
            }
        }
        times.sort_by(f64::total_cmp);
        println!(
            "{:8.1} ms (min {:6.1}) {rows:7} rows  {}",
            times[times.len() / 2],
            times[0],
            sql.replace('\n', " ").chars().take(110).collect::<String>()
        );
    }
}
