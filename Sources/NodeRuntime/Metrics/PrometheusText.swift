/// Writer of the Prometheus text format 0.0.4.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private(set) var output = ""
    private let seriesLimit: Int

    init(seriesLimit: Int) { self.seriesLimit = seriesLimit }

    mutating func write(_ family: MetricsRegistry.Family) {
        guard !family.series.isEmpty else { return }
        head(family.declaration)
        let names = family.declaration.labels
        for (labels, series) in family.series.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            switch series {
            case .counter(let counter): line(family.declaration.name, names, labels, "\(counter.total)")
            case .fraction(let fraction):
                line(family.declaration.name, names, labels, Self.number(fraction.gauge.value))
            case .gauge(let gauge): line(family.declaration.name, names, labels, Self.number(gauge.value))
            case .histogram(let histogram): write(histogram, family.declaration.name, names, labels)
            }
        }
    }

    /// Samples beyond the limit of series are left out.
    mutating func write(_ declaration: MetricDeclaration, _ samples: [MetricSample], hasHead: Bool) {
        let fitting = samples.lazy.filter { $0.labels.count == declaration.labels.count }.prefix(seriesLimit)
        guard !fitting.isEmpty else { return }
        if !hasHead { head(declaration) }
        for sample in fitting { line(declaration.name, declaration.labels, sample.labels, Self.number(sample.value)) }
    }

    private mutating func write(_ histogram: HistogramSeries, _ name: String, _ names: [String], _ labels: [String]) {
        let snapshot = histogram.snapshot
        var sum: UInt64 = 0
        for (index, count) in snapshot.buckets.enumerated() {
            sum += count
            let bound = index < histogram.bounds.count ? Self.number(histogram.bounds[index]) : "+Inf"
            line(name + "_bucket", names + ["le"], labels + [bound], "\(sum)")
        }
        line(name + "_sum", names, labels, Self.number(snapshot.sum))
        line(name + "_count", names, labels, "\(sum)")
    }

    private mutating func head(_ declaration: MetricDeclaration) {
        let help = declaration.help.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        let type =
            switch declaration.kind {
            case .counter: "counter"
            case .gauge: "gauge"
            case .histogram: "histogram"
            }
        output += "# HELP \(declaration.name) \(help)\n# TYPE \(declaration.name) \(type)\n"
    }

    private mutating func line(_ name: String, _ names: [String], _ labels: [String], _ value: String) {
        output += name
        if !names.isEmpty {
            output += "{"
            for (index, name) in names.enumerated() {
                if index > 0 { output += "," }
                output += "\(name)=\"\(Self.escape(labels[index]))\""
            }
            output += "}"
        }
        output += " \(value)\n"
    }

    /// Values of labels: backslash, quote and line feed are escaped, and long ones cut.
    private static func escape(_ text: String) -> String {
        String(text.prefix(200)).replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing(
            "\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value) { return "\(whole)" }
        return "\(value)"
    }
}
