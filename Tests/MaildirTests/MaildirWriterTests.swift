import DeliveryPolicy
import Foundation
import MailModel
import MailTestKit
import Maildir
import NIOCore
import Testing

@Suite struct MaildirWriterTests {
    private let directory: ScratchDirectory
    private let bob = Mailbox(localPart: "bob", domain: Domain(canonical: "a.test"))

    init() throws { directory = try ScratchDirectory("apus-maildir") }

    private func deliver(
        _ text: String, below path: String = "/{domain}/{local}", creates: Bool = true, from: String = "x@y.test"
    ) throws -> String {
        let template = try MaildirTemplate(parsing: directory.path + path)
        let writer = MaildirWriter(template, creates: creates, host: "mx.test")
        let reversePath = try #require(ReversePath(from))
        return try writer.deliver(
            MaildirMessage(reversePath: reversePath, content: ByteBuffer(string: text)), to: bob,
            names: template.names(for: bob))
    }

    private func files(_ path: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory.file(path))
    }

    @Test func writesAMessage() throws {
        let path = try deliver("Subject: x\r\n\r\n.dot\r\nbare \n and \r\r\nend\r\n")
        #expect(path.hasPrefix(directory.file("a.test/bob/new/")))
        let name = URL(filePath: path).lastPathComponent
        let text = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(
            text == "Return-Path: <x@y.test>\nDelivered-To: bob@a.test\n"
                + "Subject: x\n\n.dot\nbare \n and \r\nend\n")
        let bytes = text.utf8.count
        #expect(name.contains(".mx.test,S=\(bytes),W=\(bytes + text.utf8.count { $0 == 10 })"))
        #expect(try Set(files("a.test/bob")) == ["cur", "new", "tmp"])
        #expect(try files("a.test/bob/tmp").isEmpty)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func namesAreUnique() throws {
        let paths = try (0..<100).map { _ in try deliver("x\r\n", from: "") }
        #expect(Set(paths).count == 100)
        #expect(try directory.read(String(paths[0].dropFirst(directory.path.count + 1))).hasPrefix("Return-Path: <>\n"))
    }

    @Test(arguments: ["", "no line end", "\r\n", "\n", "\r", "a\r\n\r\n\r\nb"]) func oddContents(text: String) throws {
        let path = try deliver(text)
        let written = String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
        #expect(written.hasSuffix("a.test\n" + text.replacing("\r\n", with: "\n")))
    }

    @Test func theRootIsNeverMade() throws {
        let error = #expect(throws: MaildirFailure.self) { try deliver("x\r\n", below: "/gone/{local}") }
        #expect(error?.code == ENOENT && error?.path == directory.file("gone"))
        #expect(error?.failure.text == "cannot open \(directory.file("gone")): No such file or directory (errno 2)")
        #expect(error?.failure.cause == .storage(.denied))
        #expect(try files("").isEmpty)
    }

    @Test func nothingIsMadeWhereThatIsNotWanted() throws {
        let error = #expect(throws: MaildirFailure.self) { try deliver("x\r\n", creates: false) }
        #expect(error?.path == directory.file("a.test") && error?.code == ENOENT)
        #expect(try files("").isEmpty)
        _ = try deliver("x\r\n")
        _ = try deliver("x\r\n", creates: false)
        #expect(try files("a.test/bob/new").count == 2)
    }

    /// The owner of a Maildir does not choose where else its mail is written.
    @Test(arguments: ["tmp", "new"]) func linksInsideAMaildirAreNotFollowed(name: String) throws {
        _ = try deliver("x\r\n")
        let elsewhere = directory.file("elsewhere")
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
        try FileManager.default.removeItem(atPath: directory.file("a.test/bob/\(name)"))
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("a.test/bob/\(name)"), withDestinationPath: elsewhere)
        let error = #expect(throws: MaildirFailure.self) { try deliver("x\r\n") }
        #expect(error?.code == ELOOP || error?.code == ENOTDIR)
        #expect(try files("elsewhere").isEmpty)
    }

    @Test func aFileInThePlaceOfADirectoryIsAFailure() throws {
        try directory.write("", to: "a.test")
        let error = #expect(throws: MaildirFailure.self) { try deliver("x\r\n") }
        #expect(error?.code == ENOTDIR && error?.failure.cause == .storage(.denied))
    }
}
