import MailTestKit
import Testing

/// The tools that other tests rest on.
struct TestKitTests {
    @Test func seededRandomRepeats() {
        var (a, b, c) = (SeededRandom(seed: 4), SeededRandom(seed: 4), SeededRandom(seed: 5))
        let first = (0..<10).map { _ in a.next() }
        #expect(first == (0..<10).map { _ in b.next() })
        #expect(first != (0..<10).map { _ in c.next() })
    }

    @Test func scratchDirectoriesVanish() async throws {
        var path = ""
        do {
            let directory = try ScratchDirectory()
            path = try directory.write("text", to: "file")
            #expect(try directory.read("file") == "text")
        }
        let (exit, _, _) = try await ChildProcess.run("test", ["-e", path])
        #expect(exit == .code(1))
    }

    @Test func freePortsDiffer() throws {
        let ports = try LoopbackPort.free(20)
        #expect(Set(ports).count == 20)
        #expect(ports.allSatisfy { $0 > 1023 && !LoopbackPort.isListening($0) })
    }

    @Test func childrenAreHeardAndAnswer() async throws {
        let child = try ChildProcess("cat")
        try child.write("one\ntwo\nrest")
        #expect(try await child.line(containing: "tw") == "two")
        #expect(child.isRunning)
        try child.closeInput()
        #expect(try await child.waitForExit() == .code(0))
        #expect(try await child.line(containing: "rest") == "rest")
        #expect(child.output == ["one", "two", "rest"])
        await #expect(throws: TestKitError.self) { try await child.line(containing: "three") }
    }

    @Test func childrenEndAsTold() async throws {
        let killed = try ChildProcess("sleep", ["100"])
        killed.killNow()
        #expect(try await killed.waitForExit() == .signal(9))
        let told = try ChildProcess("sh", ["-c", "trap 'exit 3' TERM; echo up >&2; while :; do sleep 0.02; done"])
        try await told.line(containing: "up")
        told.terminate()
        #expect(try await told.waitForExit() == .code(3))
    }

    @Test func waitingEnds() async throws {
        await #expect(throws: TestKitError.self) {
            try await wait(until: "never", timeout: .milliseconds(20)) { false }
        }
        var calls = 0
        let value: Int = try await wait(for: "the third call") {
            calls += 1
            return calls == 3 ? calls : nil
        }
        #expect(value == 3)
    }
}
