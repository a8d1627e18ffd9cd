import Foundation
import MailTestKit
import Testing

extension Scenarios {
    /// The node delivers into Maildirs, and programs that know the format read them.
    @Suite struct MaildirTests {
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tool.exist("mutt", "script"), "needs mutt"))
        func readersFindTheMail() async throws {
            let root = try ScratchDirectory("apus-maildir")
            let node = try await Node.started(
                .init(routes: [("dst.test", "{maildir: \"\(root.path)/{domain}/{user}\"}")]))
            var ids: [String] = []
            for number in 0..<5 {
                ids.append(
                    try SMTPClient.send(
                        to: node.smtp, recipients: ["Bob+x@dst.test", "carol@dst.test"],
                        content: TestContent.message("number \(number)", body: ".dot\r\nFrom here\r\n")))
            }
            try await node.waitUntilEmpty()
            let maildir = root.file("dst.test/bob")
            // Mutt tags what it finds and copies it into a file of its own; it needs a terminal, which `script` lends.
            // Whatever it would ask eats keys: for its folder, for each file it makes.
            let settings =
                "set folder=\(root.path) copy=no mbox_type=mbox confirmappend=no confirmcreate=no quit=yes move=no"
            let keys = "<tag-pattern>.<enter><tag-prefix><copy-message>\(root.file("copy"))<enter><quit>"
            // Its input stays open: an end of file would be a key like others.
            let mutt = try ChildProcess(
                "script",
                [
                    "-qec", "mutt -n -F /dev/null -e '\(settings)' -f \(maildir) -e 'push \"\(keys)\"'", "/dev/null",
                ], environment: ["TERM": "xterm", "HOME": root.path])
            #expect(try await mutt.waitForExit() == .code(0), "\(mutt.output)")
            let copied = try root.read("copy")
            for number in 0..<5 {
                #expect(copied.contains("\nSubject: number \(number)\n"))
            }
            #expect(copied.contains("\n\n.dot\n") && copied.contains("Delivered-To: Bob+x@dst.test\n"))
            // Python's reader sees the same, and what the names of the files say of their sizes is true.
            let check = """
                import mailbox, os, re, sys
                box = mailbox.Maildir(sys.argv[1], create=False)
                for key in box.iterkeys():
                    message = box.get_message(key)
                    print(message["Subject"], message["Return-Path"])
                for folder in ("new", "cur"):
                    for name in os.listdir(os.path.join(sys.argv[1], folder)):
                        data = open(os.path.join(sys.argv[1], folder, name), "rb").read()
                        sizes = re.search(r",S=(\\d+),W=(\\d+)", name).groups()
                        assert sizes == (str(len(data)), str(len(data) + data.count(b"\\n"))), name
                """
            let python = try await ChildProcess.run("python3", ["-c", check, root.file("dst.test/carol")])
            #expect(python.exit == .code(0), "\(python.errors)")
            #expect(python.output.count == 5)
            #expect(python.output.allSatisfy { $0.hasPrefix("number ") && $0.contains("@src.test>") })
            let events = try await node.events(of: ids[0])
            #expect(events.filter { $0.type == "delivered" }.map(\.protocol) == ["maildir", "maildir"])
            try await node.stop()
        }

        /// Nothing is lost and no part of a message is seen while there is no room.
        @Test(.timeLimit(.minutes(10)), .enabled(if: Tmpfs.isPossible, "needs the right to mount"))
        func aFullDiskDefers() async throws {
            let disk = try await Tmpfs(kilobytes: 512)
            let node = try await Node.started(.init(routes: [("dst.test", "{maildir: \"\(disk.path)/{local}\"}")]))
            let first = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("first", body: "x\r\n"))
            _ = try await node.events(of: first, until: "delivered")
            try disk.fill(leaving: 16)
            let body = String(repeating: String(repeating: "y", count: 70) + "\r\n", count: 1000)
            let large = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("large", body: body))
            let deferred = try await node.events(of: large, until: "deferred")
            let event = try #require(deferred.last { $0.type == "deferred" })
            #expect(event.reason?.hasPrefix("cannot write \(disk.path)/b/tmp/") == true)
            #expect(event.reason?.hasSuffix("No space left on device (errno 28)") == true)
            #expect(event.reply?.enhanced == "4.3.1")
            let files = FileManager.default
            #expect(try files.contentsOfDirectory(atPath: "\(disk.path)/b/new").count == 1)
            try disk.free()
            _ = try await node.events(of: large, until: "delivered")
            let names = try files.contentsOfDirectory(atPath: "\(disk.path)/b/new")
            #expect(names.count == 2)
            #expect(try files.contentsOfDirectory(atPath: "\(disk.path)/b/tmp").isEmpty)
            let whole = try names.map { try String(contentsOfFile: "\(disk.path)/b/new/\($0)", encoding: .utf8) }
            #expect(whole.contains { $0.hasSuffix("\n\n" + body.replacing("\r\n", with: "\n")) })
            try await node.stop()
        }

        @Test(.timeLimit(.minutes(10)), .enabled(if: Tmpfs.isPossible, "needs the right to mount"))
        func aReadOnlyDiskDefers() async throws {
            let disk = try await Tmpfs(kilobytes: 256)
            let node = try await Node.started(.init(routes: [("dst.test", "{maildir: \"\(disk.path)/{local}\"}")]))
            try await disk.remount("ro")
            let id = try SMTPClient.send(
                to: node.smtp, recipients: ["b@dst.test"], content: TestContent.message("x", body: "x\r\n"))
            let deferred = try await node.events(of: id, until: "deferred")
            let reason = deferred.last { $0.type == "deferred" }?.reason
            #expect(reason == "cannot create \(disk.path)/b: Read-only file system (errno 30)")
            let why = try await Apus.run(["queue", "show", id, "--node", "http://127.0.0.1:\(node.http)"])
            #expect(why.output.joined().contains("Read-only file system"))
            try await disk.remount("rw")
            _ = try await node.events(of: id, until: "delivered")
            try await node.waitUntilEmpty()
            try await node.stop()
        }
    }
}
