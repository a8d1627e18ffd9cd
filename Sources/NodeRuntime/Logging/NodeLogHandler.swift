package import Logging
internal import Synchronization

/// The node's back end of swift-log: one line an event, text or JSON, to a `LogSink`.
package struct NodeLogHandler: LogHandler {
    private let label: String
    private let format: LogConfiguration.Format
    private let sink: LogSink
    private let sharedLevel: SharedLevel
    private var ownLevel: Logger.Level?
    /// That of the configuration, which may change, unless this logger was given one of its own.
    package var logLevel: Logger.Level {
        get { ownLevel ?? sharedLevel.value }
        set { ownLevel = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(label: String, configuration: LogConfiguration, sink: LogSink = .standardError) {
        self.init(label: label, configuration, sink, SharedLevel(configuration.level))
    }

    fileprivate init(label: String, _ configuration: LogConfiguration, _ sink: LogSink, _ level: SharedLevel) {
        self.label = label
        self.sink = sink
        format = configuration.format
        sharedLevel = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let given = event.metadata { all.merge(given) { _, new in new } }
        if let error = event.error { all[LogKey.error] = "\(error)" }
        let sorted = all.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        sink.write(
            LogLine.make(
                format: format, time: .wallClock, level: event.level, label: label,
                message: event.message.description, metadata: sorted))
    }
}

/// The level of all loggers of a process.
private final class SharedLevel: Sendable {
    private let index: Atomic<Int>

    init(_ level: LogConfiguration.Level) { index = Atomic(level.loggerLevel.index) }

    var value: Logger.Level { Logger.Level.allCases[index.load(ordering: .relaxed)] }
    func set(_ level: LogConfiguration.Level) { index.store(level.loggerLevel.index, ordering: .relaxed) }
}

extension Logger.Level {
    fileprivate var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

extension LogConfiguration.Level {
    package var loggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

extension LogConfiguration {
    /// Makes this the process's logging. To be called once, before the first `Logger`.
    package func bootstrap() {
        Self.processLevel.set(level)
        LoggingSystem.bootstrap { NodeLogHandler(label: $0, self, .standardError, Self.processLevel) }
    }

    private static let processLevel = SharedLevel(.info)

    /// Changes the level of the process's logging.
    static func setLevel(_ level: Level) { processLevel.set(level) }

    /// A logger that is independent of the process's, for tests and tools.
    package func logger(label: String, sink: LogSink) -> Logger {
        Logger(label: label) { NodeLogHandler(label: $0, configuration: self, sink: sink) }
    }
}
