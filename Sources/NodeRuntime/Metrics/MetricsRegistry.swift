internal import Synchronization

/// A value of a gauge that is worked out when it is asked for.
package struct MetricSample: Sendable {
    package var labels: [String]
    package var value: Double
    /// - Parameter labels: Values in the order of the declaration.
    package init(_ value: Double, labels: [String] = []) { (self.value, self.labels) = (value, labels) }
}

/// All metrics of the process, and the back end of swift-metrics.
///
/// Series are made on first use and live as long as the registry. Their number is bounded: beyond it a series counts into
/// nothing, and `apus_metric_series_dropped_total` counts those uses.
package final class MetricsRegistry: Sendable {
    package static let seriesOfOneMetric = 1000
    package static let metricsLimit = 500

    enum Series: Sendable {
        case counter(CounterSeries)
        case fraction(FractionCounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)
    }

    struct Family: Sendable {
        var declaration: MetricDeclaration
        var series: [[String]: Series] = [:]
    }

    struct Source: Sendable {
        var declaration: MetricDeclaration
        var samples: @Sendable () async -> [MetricSample]
    }

    private struct State {
        var families: [String: Family] = [:]
        var sources: [Source] = []
    }

    private let state = Mutex(State())
    private let seriesLimit: Int

    package init(seriesLimit: Int = MetricsRegistry.seriesOfOneMetric) { self.seriesLimit = seriesLimit }

    /// - Parameter labels: Values in the order of the declaration.
    package func counter(_ declaration: MetricDeclaration, _ labels: String...) -> CounterSeries {
        counter(declaration, labels: labels)
    }

    package func gauge(_ declaration: MetricDeclaration, _ labels: String...) -> GaugeSeries {
        gauge(declaration, labels: labels)
    }

    package func histogram(_ declaration: MetricDeclaration, _ labels: String...) -> HistogramSeries {
        histogram(declaration, labels: labels)
    }

    /// Registers a gauge or counter whose values are asked for at each scrape. A second source of a name adds to it.
    package func observe(
        _ declaration: MetricDeclaration, samples: @escaping @Sendable () async -> [MetricSample]
    ) {
        state.withLock { $0.sources.append(Source(declaration: declaration, samples: samples)) }
    }

    func counter(_ declaration: MetricDeclaration, labels: [String]) -> CounterSeries {
        let series = find(declaration, labels) { .counter(CounterSeries()) }
        if case .counter(let counter) = series { return counter }
        return CounterSeries()
    }

    func gauge(_ declaration: MetricDeclaration, labels: [String]) -> GaugeSeries {
        let series = find(declaration, labels) { .gauge(GaugeSeries()) }
        if case .gauge(let gauge) = series { return gauge }
        return GaugeSeries()
    }

    func histogram(_ declaration: MetricDeclaration, labels: [String]) -> HistogramSeries {
        var bounds: [Double] = []
        if case .histogram(let declared) = declaration.kind { bounds = declared }
        let series = find(declaration, labels) { .histogram(HistogramSeries(bounds: bounds)) }
        if case .histogram(let histogram) = series { return histogram }
        return HistogramSeries(bounds: bounds)
    }

    func fraction(_ declaration: MetricDeclaration, labels: [String]) -> FractionCounterSeries {
        let series = find(declaration, labels) { .fraction(FractionCounterSeries()) }
        if case .fraction(let fraction) = series { return fraction }
        return FractionCounterSeries()
    }

    /// - Returns: `nil` beyond the limits: the caller counts into a series that nobody reads.
    private func find(_ declaration: MetricDeclaration, _ labels: [String], make: () -> Series) -> Series? {
        precondition(labels.count == declaration.labels.count, "labels of \(declaration.name)")
        return state.withLock { state in
            if let known = state.families[declaration.name]?.series[labels] { return known }
            guard state.families[declaration.name] != nil || state.families.count < Self.metricsLimit,
                (state.families[declaration.name]?.series.count ?? 0) < seriesLimit
            else {
                Self.countDropped(&state, declaration.name)
                return nil
            }
            let series = make()
            state.families[declaration.name, default: Family(declaration: declaration)].series[labels] = series
            return series
        }
    }

    private static func countDropped(_ state: inout State, _ name: String) {
        let metric = state.families[name] == nil ? "other" : name
        let own = MetricDeclaration.droppedSeries
        var family = state.families[own.name] ?? Family(declaration: own)
        if case .counter(let counter) = family.series[[metric]] { return counter.add() }
        let counter = CounterSeries()
        counter.add()
        family.series[[metric]] = .counter(counter)
        state.families[own.name] = family
    }

    /// Everything as Prometheus reads it (text format 0.0.4).
    package func exposition() async -> String {
        let (families, sources) = state.withLock { ($0.families, $0.sources) }
        var text = PrometheusText(seriesLimit: seriesLimit)
        for family in families.values.sorted(by: { $0.declaration.name < $1.declaration.name }) { text.write(family) }
        let grouped = Dictionary(grouping: sources) { $0.declaration.name }
        for (_, group) in grouped.sorted(by: { $0.key < $1.key }) {
            var samples: [MetricSample] = []
            for source in group { samples += await source.samples() }
            text.write(group[0].declaration, samples, hasHead: families[group[0].declaration.name] != nil)
        }
        return text.output
    }
}
