import CoreMetrics
import NodeRuntime
import Testing

/// The text format, read back: `name{labels}` to value, and the types.
struct Exposition {
    var types: [String: String] = [:]
    var helps: Set<String> = []
    var values: [String: Double] = [:]
    var problems: [String] = []

    init(_ text: String) {
        if !text.isEmpty, !text.hasSuffix("\n") { problems.append("no line end") }
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                if types.updateValue(String(words[3]), forKey: String(words[2])) != nil {
                    problems.append("\(line) twice")
                }
            } else if line.hasPrefix("# HELP ") {
                helps.insert(String(words[2]))
            } else if let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) {
                let series = String(line[..<space])
                if values.updateValue(value, forKey: series) != nil { problems.append("\(series) twice") }
                var name = String(series.prefix { $0 != "{" })
                for suffix in ["_bucket", "_sum", "_count"] where name.hasSuffix(suffix) && types[name] == nil {
                    name.removeLast(suffix.count)
                }
                if types[name] == nil || !helps.contains(name) { problems.append("\(series) before its head") }
            } else {
                problems.append("cannot read \(line)")
            }
        }
    }
}

@Suite struct MetricsTests {
    private let registry = MetricsRegistry()

    @Test func counterAndGauge() async {
        registry.counter(.acceptedRecipients, "mx").add(3)
        registry.counter(.acceptedRecipients, "mx").add()
        registry.gauge(.uncommittedAttempts).set(5.0)
        registry.gauge(.uncommittedAttempts).increment(by: 1.5)
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        #expect(seen.types["apus_accepted_recipients_total"] == "counter")
        #expect(seen.types["apus_uncommitted_attempts"] == "gauge")
        #expect(seen.values["apus_accepted_recipients_total{listener=\"mx\"}"] == 4)
        #expect(seen.values["apus_uncommitted_attempts"] == 6.5)
    }

    @Test func histogram() async {
        let phase = registry.histogram(.attemptSeconds, "connect")
        phase.record(.milliseconds(1))
        phase.record(.milliseconds(3))
        phase.record(.seconds(3600))
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        func bucket(_ bound: String) -> Double? {
            seen.values["apus_attempt_seconds_bucket{phase=\"connect\",le=\"\(bound)\"}"]
        }
        #expect(bucket("0.0005") == 0)
        #expect(bucket("0.001") == 1)
        #expect(bucket("0.005") == 2)
        #expect(bucket("600") == 2)
        #expect(bucket("+Inf") == 3)
        #expect(seen.values["apus_attempt_seconds_count{phase=\"connect\"}"] == 3)
        #expect(abs((seen.values["apus_attempt_seconds_sum{phase=\"connect\"}"] ?? 0) - 3600.004) < 1e-6)
    }

    @Test func labelsAreEscaped() async {
        registry.counter(.recordsSetAside, "a\"b\\c\nd").add()
        #expect(await registry.exposition().contains("apus_records_set_aside_total{topic=\"a\\\"b\\\\c\\nd\"} 1\n"))
    }

    @Test func observedAtScrape() async {
        registry.observe(.queuedRecipients) {
            await Task.yield()
            return [MetricSample(7, labels: ["ready"]), MetricSample(.infinity, labels: ["parked"])]
        }
        registry.observe(.queuedRecipients) { [MetricSample(1, labels: ["held"]), MetricSample(1, labels: [])] }
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        #expect(seen.values["apus_queued_recipients{state=\"ready\"}"] == 7)
        #expect(seen.values["apus_queued_recipients{state=\"parked\"}"] == .infinity)
        #expect(seen.values["apus_queued_recipients{state=\"held\"}"] == 1)
    }

    @Test func seriesAreBounded() async {
        let registry = MetricsRegistry(seriesLimit: 10)
        for index in 0..<25 { registry.counter(.acceptedRecipients, "l\(index)").add() }
        registry.observe(.queuedRecipients) { (0..<25).map { MetricSample(1, labels: ["s\($0)"]) } }
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        #expect(seen.values.keys.count { $0.hasPrefix("apus_accepted") } == 10)
        #expect(seen.values.keys.count { $0.hasPrefix("apus_queued") } == 10)
        #expect(seen.values["apus_metric_series_dropped_total{metric=\"apus_accepted_recipients_total\"}"] == 15)
    }

    @Test func throughSwiftMetrics() async {
        let counter = registry.makeCounter(label: "http.requests", dimensions: [("path", "/x"), ("method", "GET")])
        counter.increment(by: 2)
        registry.makeTimer(label: "http.time", dimensions: []).recordNanoseconds(2_000_000)
        registry.makeMeter(label: "1x", dimensions: []).set(3.5)
        registry.makeFloatingPointCounter(label: "f", dimensions: []).increment(by: 0.5)
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        #expect(seen.values["http_requests_by_method_path{method=\"GET\",path=\"/x\"}"] == 2)
        #expect(seen.values["http_time_count"] == 1)
        #expect(seen.values["_1x"] == 3.5)
        #expect(seen.values["f"] == 0.5)
    }

    @Test func process() async {
        ProcessMetrics.register(in: registry)
        let seen = Exposition(await registry.exposition())
        #expect(seen.problems == [])
        #expect(seen.values["process_resident_memory_bytes"] ?? 0 > 1_000_000)
        #expect(seen.values["process_open_fds"] ?? 0 > 2)
    }

    @Test func manyThreads() async {
        let counter = registry.counter(.acceptedRecipients, "mx")
        let gauge = registry.gauge(.uncommittedAttempts)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<1000 { counter.add(); gauge.increment(by: 1) }
                }
            }
        }
        #expect(counter.total == 8000)
        #expect(gauge.value == 8000)
    }
}
