import Testing

struct ArchitectureTests {
    @Test(arguments: SourceCheck.all)
    func holds(_ check: SourceCheck) throws {
        let files = try SourceFile.all()
        #expect(files.count > 50, "the sources are found")
        #expect(check.breaches(in: files) == [])
    }

    /// Every check, shown a breach: what cannot fail proves nothing.
    @Test(arguments: [
        ("MailModel", "import Foundation", "pure layers know no Foundation"),
        ("MailModel", "internal import FoundationEssentials", "pure layers know no Foundation"),
        ("DeliveryPolicy", "let now = ContinuousClock.now", "pure layers ask no clock"),
        ("DeliveryPolicy", "let now = NIODeadline.now()", "pure layers ask no clock"),
        ("SMTPProtocol", "clock_gettime(CLOCK_MONOTONIC, &time)", "pure layers ask no clock"),
        ("MessageFormat", "let now = Date()", "pure layers ask no clock"),
        ("SMTPProtocol", "func wait() async throws {}", "pure layers neither wait nor lock"),
        ("SMTPProtocol", "Task { }", "pure layers neither wait nor lock"),
        ("SMTPProtocol", "let state = Mutex(0)", "pure layers neither wait nor lock"),
        ("SMTPProtocol", "package actor Session {", "pure layers neither wait nor lock"),
        ("SMTPProtocol", "let lock = NIOLock()", "pure layers neither wait nor lock"),
        ("Ingress", "import Sender", "roles do not know each other"),
        ("Sender", "@testable import Ingress", "roles do not know each other"),
        ("Sender", "import GRDB", "each library has one owner"),
        ("Spool", "import struct GRDB.Row", "each library has one owner"),
        ("Sender", "internal import CUnbound", "each library has one owner"),
        ("Sender", "let x = try? work()", "no error is dropped without a reason"),
        ("Sender", "let text = \"// no comment\"; let x = try? work()", "no error is dropped without a reason"),
    ])
    func findsABreach(target: String, line: String, check: String) {
        let file = SourceFile(path: "\(target)/File.swift", text: "let a = 1\n\(line)\n")
        let found = SourceCheck.all.filter { !$0.breaches(file).isEmpty }
        #expect(found.map(\.name) == [check])
        #expect(found.first?.breaches(in: [file]) == ["\(target)/File.swift:2"])
    }

    @Test func testsAreBuiltLikeWhatShips() throws {
        let files = try SourceFile.all(below: "Tests")
        #expect(files.count > 50, "the tests are found")
        #expect(SourceCheck.testableImports.breaches(in: files) == [])
    }

    @Test(arguments: [
        ("@testable import Spool", true), ("    @testable internal import Spool", true), ("import Spool", false),
        ("// @testable import Spool", false), ("let text = \"@testable import Spool\"", false),
    ])
    func findsTestableImports(line: String, isBreach: Bool) {
        let file = SourceFile(path: "SpoolTests/A.swift", text: "import Testing\n\(line)\n")
        #expect(SourceCheck.testableImports.breaches(file) == (isBreach ? [2] : []))
    }

    @Test func findsLongFiles() {
        let lines = String(repeating: "\n", count: 400)
        #expect(SourceCheck.length.breaches(SourceFile(path: "Sender/A.swift", text: lines)).isEmpty)
        #expect(SourceCheck.length.breaches(SourceFile(path: "Sender/A.swift", text: lines + "x")) == [401])
        #expect(SourceCheck.length.breaches(SourceFile(path: "Spool/A.pb.swift", text: lines + "x")).isEmpty)
    }

    @Test(arguments: [
        ("Sender", "import Foundation"), ("Sender", "let now = ContinuousClock.now"), ("Sender", "Task { }"),
        ("MailModel", "var actor: String?"), ("Sender", "try? remove()\n    // It may be gone already."),
        ("MailModel", "// no async here, and no ContinuousClock"), ("MailModel", "let word = \"async \\\" Task\""),
        ("MailModel", "let asyncName = isTasked"), ("Sender", "import SMTPProtocol"), ("LocalSpool", "import GRDB"),
        ("DNSClient", "internal import CUnbound"), ("Sender", "// It may be gone already.\n    try? remove()"),
        ("Sender", "try? remove()  // It may be gone already."), ("MailModel", "\"\"\"\nasync Task\n\"\"\""),
        ("apus", "import Ingress\nimport Sender"),
    ])
    func letsThrough(target: String, line: String) {
        let file = SourceFile(path: "\(target)/File.swift", text: "let a = 1\n\(line)\n")
        #expect(SourceCheck.all.filter { !$0.breaches(file).isEmpty }.map(\.name) == [])
    }
}
