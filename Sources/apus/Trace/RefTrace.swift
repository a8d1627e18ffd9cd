import ArgumentParser
import Foundation
import MailModel
import MessageFormat
import NIOCore
import NIOHTTP1
import NodeRuntime
import SMTPProtocol
import Sender

/// Which trace tags are asked about.
struct RefOptions: ParsableArguments {
    @Option(help: "Tell whose message a value of X-Apus-Ref names.")
    var ref: String?
    @Option(
        help: ArgumentHelp(
            """
            The same for the tags in a message: a complaint, a bounce, or the message itself; also in what it carries. \
            - reads standard input.
            """, valueName: "file"))
    var refFile: String?

    var isGiven: Bool { ref != nil || refFile != nil }
}

/// `apus trace --ref`: checks tags with the node's keys and tells the messages they name.
struct RefTrace {
    private static let fileLimit = 64 * 1024 * 1024

    let options: RefOptions
    let node: NodeOptions

    /// Ends with 1 where no tag is ours.
    func run() async throws {
        let tags = try found()
        var isOurs = false
        for tag in tags where try await tell(tag) { isOurs = true }
        if !isOurs { throw Exit.no }
    }

    private func found() throws -> [String] {
        if let ref = options.ref {
            // The whole field is taken as well, folds and all.
            let word = ref.filter { !$0.isWhitespace }
            let name = "\(TraceTag.field):"
            return [word.lowercased().hasPrefix(name.lowercased()) ? String(word.dropFirst(name.count)) : word]
        }
        let path = options.refFile ?? "-"
        let content = SendText.normalized(try read(path))
        let tags = FieldSearch.values(of: TraceTag.field, in: content)
        guard !tags.isEmpty else { throw Exit.saying("\(path): no field \(TraceTag.field) in it", Exit.no) }
        return tags
    }

    private func read(_ path: String) throws -> ByteBuffer {
        let file: FileHandle
        if path == "-" {
            file = .standardInput
        } else {
            guard let opened = FileHandle(forReadingAtPath: path) else {
                throw ValidationError("--ref-file \(path): cannot be read: \(String(cString: strerror(errno)))")
            }
            file = opened
        }
        var content = ByteBuffer()
        while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
            content.writeBytes(piece)
            guard content.readableBytes <= Self.fileLimit else {
                throw ValidationError("--ref-file \(path): is larger than 64 MiB")
            }
        }
        return content
    }

    /// - Returns: Whether it is ours.
    private func tell(_ text: String) async throws -> Bool {
        guard TraceTag(text) != nil else {
            try refuse(text, TraceTags.Refusal.noTag)
            return false
        }
        do {
            let lines = try await node.ask(.GET, "/admin/v1/refs/\(text)") { data in
                data.split(separator: UInt8(ascii: "\n")).map { Data($0) }
            } spool: { spool, configuration in
                do {
                    return try await TagTrace.lines(of: text, TraceTags(configuration.sender.traceTag), in: spool)
                        .map { Data($0.readableBytesView) }
                } catch let refusal as TraceTags.Refusal {
                    throw Exit.saying("\(refusal)", Exit.no)
                }
            }
            try show(lines)
            return true
        } catch let code as ExitCode where code == Exit.no {
            // Why not was said; another tag of the file may be.
            return false
        }
    }

    private func refuse(_ text: String, _ refusal: TraceTags.Refusal) throws {
        _ = Exit.saying("\(DialogueText.visible(String(text.prefix(100)))): \(refusal)", Exit.no)
    }

    private func show(_ lines: [Data]) throws {
        guard !node.json else {
            for line in lines { say(String(decoding: line, as: UTF8.self)) }
            return
        }
        guard let first = lines.first else { return }
        let claim = try JSONSerialization.jsonObject(with: first) as? [String: Any] ?? [:]
        let recipient = (claim["recipient_index"] as? Int).map { "recipient \($0)" } ?? "all its recipients"
        let tenant = (claim["tenant"] as? String).map { ", tenant \($0)" } ?? ""
        say(
            "\(claim["queue_id"] ?? "")/\(claim["part"] ?? 0), \(recipient)\(tenant), of \(claim["time"] ?? "");"
                + " signed with key \(claim["key"] ?? "")")
        if lines.count == 1 { say("its events are not in the log any more") }
        for event in lines.dropFirst() { say(try TraceText.line(event)) }
    }
}
