import Foundation
import MailModel
import MailTestKit
import NodeRuntime
import Sender
import Spool
import Testing

/// Routes that lead into Maildirs.
@Suite struct MaildirTests {
    private let directory: ScratchDirectory
    init() throws { directory = try ScratchDirectory("apus-maildir") }

    private var route: String { "\"*\": {maildir: \"\(directory.path)/{domain}/{user}\"}" }

    private func new(_ path: String) -> [String] {
        // Where there is no folder, nothing was written.
        (try? FileManager.default.contentsOfDirectory(atPath: directory.file("\(path)/new"))) ?? []
    }

    @Test func eachRecipientHasItsCopy() async throws {
        let fixture = try await Fixture(partitions: 1)
        let node = try await fixture.start(try Fixture.configuration(routes: route))
        try await fixture.spool.put(
            try (0..<30).map { _ in try Fixture.message(to: ["B@a.test", "b+tag@a.test", "c@a.test"]) })
        try await wait(until: "all have ended") { try await node.isQuiet() }
        #expect(new("a.test/b").count == 60 && new("a.test/c").count == 30)
        let delivered = try await fixture.events.all("delivered")
        #expect(delivered.count == 90)
        for event in delivered {
            #expect(event.protocol == "maildir" && event.route == "maildir" && event.source == nil)
            #expect(event.reply?.text.hasPrefix("written to \(directory.path)/a.test/") == true)
            #expect(event.remote?.host == "\(directory.path)/{domain}/{user}")
        }
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    /// What cannot be a file name fails for good and touches no file; who was delivered to is left alone on a retry.
    @Test func outcomesAreEachRecipientsOwn() async throws {
        let fixture = try await Fixture(partitions: 1)
        let node = try await fixture.start(try Fixture.configuration(routes: route))
        try directory.write("", to: "late.test")
        let domains = ["\"../../x\"@a.test", "b@a.test"]
        try await fixture.spool.put([try Fixture.message(to: domains), try Fixture.message(to: ["c@late.test"])])
        try await wait(until: "one was deferred") { try await fixture.events.count("deferred") > 0 }
        let deferred = try #require(try await fixture.events.all("deferred").first)
        #expect(deferred.recipient == "c@late.test" && deferred.class == "bad-configuration")
        #expect(deferred.reason == "cannot open \(directory.path)/late.test: Not a directory (errno 20)")
        try FileManager.default.removeItem(atPath: directory.file("late.test"))
        try await wait(until: "all have ended") { try await node.isQuiet() }
        let failed = try await fixture.events.all("failed")
        #expect(failed.map(\.recipient) == ["\"../../x\"@a.test"])
        #expect(failed.first?.reply?.code == 550 && failed.first?.class == "bad-mailbox")
        #expect(failed.first?.reply?.text.contains("slash") == true)
        #expect(new("a.test/b").count == 1 && new("late.test/c").count == 1)
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: directory.path)) == ["a.test", "late.test"])
        #expect(await node.differences() == [0])
        try await node.stop()
        await fixture.close()
    }

    /// A reload leaves a lane whose writers were idle.
    @Test func writersComeAndGo() async throws {
        let fixture = try await Fixture(partitions: 1)
        let node = try await fixture.start(
            try Fixture.configuration(routes: route) { $0.lane.idleTimeout = .zero })
        for number in 1...3 {
            try await fixture.spool.put([try Fixture.message(to: ["b@a.test"])])
            try await wait(until: "all have ended") { try await node.isQuiet() }
            #expect(new("a.test/b").count == number)
        }
        try await node.stop()
        await fixture.close()
    }
}
