package import CoreMetrics

/// What libraries measure through swift-metrics. Their names are made fit for Prometheus; they have no declaration, and
/// the labels of a metric are those of its first use.
extension MetricsRegistry: MetricsFactory {
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        let (declaration, labels) = declare(label, .counter, dimensions)
        return counter(declaration, labels: labels)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        let (declaration, labels) = declare(label, .counter, dimensions)
        return fraction(declaration, labels: labels)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        let (declaration, labels) = declare(label, .gauge, dimensions)
        return gauge(declaration, labels: labels)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        let (declaration, labels) = declare(label, aggregate ? MetricDeclaration.seconds : .gauge, dimensions)
        return aggregate ? histogram(declaration, labels: labels) : gauge(declaration, labels: labels)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let (declaration, labels) = declare(label, MetricDeclaration.seconds, dimensions)
        return histogram(declaration, labels: labels)
    }

    /// Series stay: a counter that starts again at 0 would look like a restart.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}

    private func declare(
        _ label: String, _ kind: MetricDeclaration.Kind, _ dimensions: [(String, String)]
    ) -> (MetricDeclaration, [String]) {
        let sorted = dimensions.sorted { $0.0 < $1.0 }
        let names = sorted.map { Self.name($0.0) }
        // Label sets of one name that differ become metrics of their own: Prometheus wants the same labels throughout.
        let suffix = names.isEmpty ? "" : "_by_" + names.joined(separator: "_")
        let name = Self.name(label)
        let declaration = MetricDeclaration(name + suffix, kind, labels: names, "Measured by a library as \(label).")
        return (declaration, sorted.map(\.1))
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`, as Prometheus wants names.
    private static func name(_ text: String) -> String {
        var name = String(
            decoding: text.utf8.prefix(128).map { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: byte
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
        if name.first.map({ $0.isNumber }) ?? true { name = "_" + name }
        return name
    }
}
