package import Logging
package import MailModel

/// One log line as bytes, in either format. Pure: the time is an argument.
package struct LogLine {
    /// Bytes of one value; what comes from peers may be long.
    package static let valueLimit = 2048
    static let metadataLimit = 64

    private var bytes: [UInt8] = []

    package static func make(
        format: LogConfiguration.Format, time: Timestamp, level: Logger.Level, label: String, message: String,
        metadata: [(String, Logger.MetadataValue)]
    ) -> [UInt8] {
        var line = LogLine()
        line.bytes.reserveCapacity(256)
        switch format {
        case .text: line.text(time, level, label, message, metadata)
        case .json: line.json(time, level, label, message, metadata)
        }
        line.bytes.append(UInt8(ascii: "\n"))
        return line.bytes
    }

    private mutating func text(
        _ time: Timestamp, _ level: Logger.Level, _ label: String, _ message: String,
        _ metadata: [(String, Logger.MetadataValue)]
    ) {
        put(time.description)
        put(" ")
        put(level.rawValue)
        put(String(repeating: " ", count: max(1, 9 - level.rawValue.utf8.count)))
        put(label)
        put(": ")
        escaped(message, quotes: false)
        for (key, value) in metadata.prefix(LogLine.metadataLimit) {
            put(" ")
            put(LogLine.key(key))
            put("=")
            let text = value.description
            if LogLine.needsQuotes(text) {
                put("\"")
                escaped(text, quotes: true)
                put("\"")
            } else {
                put(text)
            }
        }
    }

    private mutating func json(
        _ time: Timestamp, _ level: Logger.Level, _ label: String, _ message: String,
        _ metadata: [(String, Logger.MetadataValue)]
    ) {
        put("{\"time\":\"\(time)\",\"level\":\"\(level.rawValue)\",\"logger\":\"")
        escaped(label, quotes: true)
        put("\",\"message\":\"")
        escaped(message, quotes: true)
        put("\"")
        for (key, value) in metadata.prefix(LogLine.metadataLimit) {
            put(",\"\(LogLine.key(key))\":\"")
            escaped(value.description, quotes: true)
            put("\"")
        }
        put("}")
    }

    private mutating func put(_ text: String) { bytes.append(contentsOf: text.utf8) }

    /// Writes text so that nothing in it can end the line, move a cursor or pass for another field.
    private mutating func escaped(_ text: String, quotes: Bool) {
        var written = 0
        for scalar in text.unicodeScalars {
            guard written < LogLine.valueLimit else { return put("…") }
            written += UTF8.width(scalar)
            switch scalar {
            case "\n": put("\\n")
            case "\r": put("\\r")
            case "\t": put("\\t")
            case "\"" where quotes, "\\" where quotes: put("\\\(scalar)")
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{202E}", "\u{2066}"..."\u{2069}":
                let hex = String(scalar.value, radix: 16)
                put("\\u" + String(repeating: "0", count: 4 - hex.count) + hex)
            default: bytes.append(contentsOf: UTF8.encode(scalar)!)
            }
        }
    }

    private static func needsQuotes(_ text: String) -> Bool {
        text.isEmpty || text.utf8.count > 256
            || text.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D || $0 == 0x5C || $0 >= 0x7F }
    }

    /// Keys are ours, except those of libraries.
    private static func key(_ key: String) -> String {
        let isPlain = key.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C }
        return isPlain && key.utf8.count <= 64 ? key : "invalid_key"
    }
}
