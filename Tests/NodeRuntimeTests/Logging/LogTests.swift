import Foundation
import Logging
import MailModel
import NodeRuntime
import Testing

@Suite struct LogTests {
    private func line(
        _ format: LogConfiguration.Format, _ message: String = "message delivered", _ metadata: [(String, String)] = []
    ) -> String {
        let bytes = LogLine.make(
            format: format, time: Timestamp(milliseconds: 1_772_357_400_000), level: .info, label: "sender",
            message: message, metadata: metadata.map { ($0.0, .string($0.1)) })
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func text() {
        let written = line(.text, metadata: [(LogKey.queueID, "01ABC"), (LogKey.reply, "250 2.0.0 ok"), ("empty", "")])
        #expect(
            written == "2026-03-01T09:30:00.000Z info     sender: message delivered queue_id=01ABC "
                + "reply=\"250 2.0.0 ok\" empty=\"\"\n")
    }

    @Test func aLoggerKeepsALevelOfItsOwn() {
        var quiet = LogConfiguration().logger(label: "test", sink: LogSink(descriptor: 2))
        #expect(quiet.logLevel == .info)
        quiet.logLevel = .error
        #expect(quiet.logLevel == .error)
    }

    private func line(_ format: LogConfiguration.Format, metadata: [(String, String)]) -> String {
        line(format, "message delivered", metadata)
    }

    @Test func json() throws {
        let written = line(.json, metadata: [(LogKey.queueID, "01ABC"), (LogKey.reply, "550 \"no\"\\\r\n\u{7}é")])
        let object = try #require(JSONSerialization.jsonObject(with: Data(written.utf8)) as? [String: String])
        #expect(object["time"] == "2026-03-01T09:30:00.000Z")
        #expect(object["level"] == "info")
        #expect(object["message"] == "message delivered")
        #expect(object["reply"] == "550 \"no\"\\\r\n\u{7}é")
        #expect(written.count(where: { $0 == "\n" }) == 1)
    }

    @Test(arguments: ["a\nlevel=error", "a\rb", "\u{1B}[2J", "x\u{85}y", "x\u{2028}y", "x\u{202E}y", "a=\"b\" c=d"])
    func nothingEscapesItsField(_ value: String) {
        for format in [LogConfiguration.Format.text, .json] {
            let written = line(format, metadata: [("key", value)]).dropLast()
            #expect(!written.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) })
            #expect(!written.unicodeScalars.contains { $0 == "\u{2028}" || $0 == "\u{202E}" })
        }
        let pairs = line(.text, metadata: [("key", value)])
        #expect(pairs.contains("key=\""))
        let bad = line(.text, metadata: [("k\ney", "v")])
        #expect(bad.contains("invalid_key=v"))
    }

    @Test func longValuesAreCut() {
        let written = line(.text, metadata: [("key", String(repeating: "é", count: 10_000))])
        #expect(written.utf8.count < LogLine.valueLimit + 200)
        #expect(written.contains("…"))
        #expect(line(.text, metadata: (0..<1000).map { ("k\($0)", "v") }).utf8.count < 1000)
    }

    @Test func throughSwiftLog() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        var configuration = LogConfiguration()
        configuration.level = .notice
        var logger = configuration.logger(label: "node", sink: LogSink(descriptor: ends[1]))
        logger[metadataKey: LogKey.component] = "spool"
        logger.info("hidden")
        logger.notice("shown", metadata: [LogKey.count: "3"])
        close(ends[1])
        let read = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true).readDataToEndOfFile()
        let text = String(decoding: read, as: UTF8.self)
        #expect(text.hasSuffix(" notice   node: shown component=spool count=3\n"))
        #expect(text.count(where: { $0 == "\n" }) == 1)
    }

    @Test func fullPipeLosesLinesNotTime() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        let sink = LogSink(descriptor: ends[1])
        let line = [UInt8](repeating: 0x61, count: 1000)
        for _ in 0..<200 { sink.write(line) }
        #expect(sink.lostLines > 0)
        close(ends[0])
        close(ends[1])
    }
}
