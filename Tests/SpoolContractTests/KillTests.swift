import Foundation
import LocalSpool
import MailModel
import NIOCore
import Spool
import Testing

/// Promise 1: what was acknowledged is there after any death.
@Suite("Embedded spool: SIGKILL", .timeLimit(.minutes(10)))
struct KillTests {
    @Test("every acknowledged record survives SIGKILL, and transactions are whole")
    func kill() async throws {
        let seed =
            ProcessInfo.processInfo.environment["APUS_TEST_SEED"].flatMap { UInt64($0) }
            ?? UInt64.random(in: 0...999_999)
        print("SIGKILL test: APUS_TEST_SEED=\(seed)")
        var random = SplitMix(state: seed)
        let fixture = try LocalFixture()
        defer { fixture.remove() }
        var promised: [(Position, Int)] = []
        var lastCommit: Int64 = 0
        for round in 0..<5 {
            let lines = try runAndKill(
                fixture.directory, first: round * 1_000_000, after: 200 + Int(random.next() % 3000))
            for line in lines {
                let words = line.split(separator: " ")
                if words.count == 4, words[0] == "A", let partition = Int(words[1]), let offset = Int64(words[2]),
                    let number = Int(words[3])
                {
                    promised.append((Position(partition: partition, offset: offset), number))
                } else if words.count == 2, words[0] == "C", let number = Int64(words[1]) {
                    lastCommit = number
                }
            }
            try await check(fixture, promised, lastCommit)
        }
        #expect(promised.count > 1000)
        #expect(lastCommit > 0)
    }

    private func check(_ fixture: LocalFixture, _ promised: [(Position, Int)], _ lastCommit: Int64) async throws {
        let spool = try fixture.openLocal()
        #expect(Set(promised.map(\.0)).count == promised.count, "a position was given twice")
        let found = try await spool.read(promised.map(\.0), of: .mail)
        var lost = 0
        for (record, (_, number)) in zip(found, promised) {
            let content = String(repeating: "\(number) ", count: 1 + number % 900)
            if record?.text != content || record?.key != "d\(number % 50).test" { lost += 1 }
        }
        #expect(lost == 0)
        let committed = try await spool.committed(group: "killed", topic: .mail)[0]
        #expect((committed?.offset ?? 0) >= lastCommit)
        let events = try await spool.follow(.events, from: .beginning).rest().compactMap {
            $0.text.flatMap { Int64($0) }
        }
        #expect(events == Array(1...max(committed?.offset ?? 0, 1)))
        await spool.close()
    }

    /// - Returns: Whole lines the writer printed until it was killed, after about `after` of them.
    private func runAndKill(_ directory: String, first: Int, after: Int) throws -> [Substring] {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tests).deletingLastPathComponent().appendingPathComponent(
            "SpoolWriter")
        process.arguments = [directory, "\(first)"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        var output = Data()
        var lines = 0
        while lines < after {
            let more = pipe.fileHandleForReading.availableData
            if more.isEmpty { break }
            output.append(more)
            lines += more.count { $0 == UInt8(ascii: "\n") }
        }
        #expect(Glibc.kill(process.processIdentifier, SIGKILL) == 0)
        output.append(pipe.fileHandleForReading.readDataToEndOfFile())
        process.waitUntilExit()
        #expect(process.terminationReason == .uncaughtSignal)
        let text = String(decoding: output, as: UTF8.self)
        guard let end = text.lastIndex(of: "\n") else { return [] }
        return text[..<end].split(separator: "\n")
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}
