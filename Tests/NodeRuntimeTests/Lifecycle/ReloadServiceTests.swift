import Logging
import MailModel
import MailTestKit
import NodeRuntime
import Synchronization
import Testing

@Suite struct ReloadServiceTests {
    /// Notes what it is told; refuses where the test says so.
    private final class Part: Reconfigurable {
        struct Refused: Error {}
        private let refuses: Bool
        private let seen = Mutex<[String]>([])
        private let name: String

        init(_ name: String, refuses: Bool = false) { (self.name, self.refuses) = (name, refuses) }

        var log: [String] { seen.withLock { $0 } }

        func prepare(_ configuration: NodeConfiguration) async throws -> @Sendable () async -> Void {
            seen.withLock { $0.append("prepare \(configuration.ingress.hostname)") }
            if refuses { throw Refused() }
            return { self.seen.withLock { $0.append("change \(configuration.ingress.hostname)") } }
        }
    }

    private static func configuration(_ text: String) throws -> NodeConfiguration {
        try .parse(text: text, file: "test.yaml", hostName: Domain(canonical: "host.test"))
    }

    private func service(
        signals: AsyncStream<Int32> = AsyncStream { _ in },
        _ load: @escaping @Sendable () throws(ConfigurationError) -> NodeConfiguration
    ) throws -> ReloadService {
        ReloadService(
            try Self.configuration("ingress: {hostname: old.test}"),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            signals: signals, load: load)
    }

    @Test func allPartsChangeAfterAllArePrepared() async throws {
        let new = try Self.configuration("ingress: {hostname: new.test}")
        let service = try service { () throws(ConfigurationError) in new }
        let parts = [Part("a"), Part("b")]
        for part in parts { service.add(part) }
        #expect(try await service.reload().needsRestart == [])
        for part in parts { #expect(part.log == ["prepare new.test", "change new.test"]) }
    }

    @Test func oneThatRefusesKeepsAllAsTheyWere() async throws {
        let new = try Self.configuration("ingress: {hostname: new.test}")
        let service = try service { () throws(ConfigurationError) in new }
        let parts = [Part("a"), Part("b", refuses: true), Part("c")]
        for part in parts { service.add(part) }
        await #expect(throws: Part.Refused.self) { try await service.reload() }
        #expect(parts.map(\.log) == [["prepare new.test"], ["prepare new.test"], []])
    }

    @Test func aWrongFileReachesNoPart() async throws {
        let service = try service { () throws(ConfigurationError) in
            try NodeConfiguration.parse(text: "nonsense: 1", file: "apus.yaml")
        }
        let part = Part("a")
        service.add(part)
        let error = await #expect(throws: ConfigurationError.self) { try await service.reload() }
        #expect(error?.description.contains("apus.yaml:1") == true)
        #expect(part.log == [])
    }

    /// Also at the second time: what waits for a restart goes on waiting.
    @Test func fixedKeysAreNamedAndKept() async throws {
        let new = try Self.configuration(
            """
            node: other
            event_loops: 3
            spool: {local: {directory: /elsewhere}}
            ingress: {hostname: new.test}
            """)
        let service = try service { () throws(ConfigurationError) in new }
        for _ in 0..<2 { #expect(try await service.reload().needsRestart == ["node", "event_loops", "spool"]) }
    }

    @Test func eachSignalReloads() async throws {
        let new = try Self.configuration("ingress: {hostname: new.test}")
        let (signals, send) = AsyncStream.makeStream(of: Int32.self)
        let service = try service(signals: signals) { () throws(ConfigurationError) in new }
        let part = Part("a")
        service.add(part)
        let running = Task { try await service.run() }
        for round in 1...2 {
            send.yield(1)
            try await wait(until: "the reload") { part.log.count == 2 * round }
        }
        send.finish()
        try await running.value
    }
}
