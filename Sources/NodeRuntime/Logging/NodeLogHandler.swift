package import Logging

/// The node's back end of swift-log: one line an event, text or JSON, to a `LogSink`.
package struct NodeLogHandler: LogHandler {
    private let label: String
    private let format: LogConfiguration.Format
    private let sink: LogSink
    package var logLevel: Logger.Level
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(label: String, configuration: LogConfiguration, sink: LogSink = .standardError) {
        self.label = label
        self.sink = sink
        format = configuration.format
        logLevel = configuration.level.loggerLevel
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

extension LogConfiguration.Level {
    package var loggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}

extension LogConfiguration {
    /// Makes this the process's logging. To be called once, before the first `Logger`.
    package func bootstrap() {
        LoggingSystem.bootstrap { NodeLogHandler(label: $0, configuration: self) }
    }

    /// A logger that is independent of the process's, for tests and tools.
    package func logger(label: String, sink: LogSink) -> Logger {
        Logger(label: label) { NodeLogHandler(label: $0, configuration: self, sink: sink) }
    }
}
