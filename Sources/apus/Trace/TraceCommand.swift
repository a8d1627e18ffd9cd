import ArgumentParser
import Foundation
import MailModel
import NIOCore
import NIOHTTP1
import NodeRuntime
import Sender
import Spool

struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Tells the life of a message from its delivery events, or shows sessions while they happen.",
        usage: """
            apus trace ID
            apus trace --ref TAG | --ref-file FILE
            apus trace --session [--site SITE] [--source SOURCE] [--domain DOMAIN] [--id ID] [--count N] [--for 5m]
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "Queue ID.")
    var id: String?
    @Flag(help: "Show the SMTP dialogue of the next attempts that fit all of --site, --source, --domain and --id.")
    var session = false
    @OptionGroup(title: "Tags") var refs: RefOptions
    @OptionGroup(title: "Sessions") var sessions: SessionOptions

    func validate() throws {
        if session {
            guard id == nil, !refs.isGiven else {
                throw ValidationError("--session shows what is to come: give --id ID")
            }
            try sessions.check()
        } else {
            guard [id, refs.ref, refs.refFile].count(where: { $0 != nil }) == 1 else {
                throw ValidationError("give one of a queue ID, --ref, --ref-file and --session")
            }
            guard !sessions.isGiven else {
                throw ValidationError("--site, --source, --domain, --id, --count and --for belong to --session")
            }
        }
    }

    func run() async throws {
        if session { return try await SessionTrace(options: sessions, node: node).run() }
        guard let id else { return try await RefTrace(options: refs, node: node).run() }
        try await tell(try queueID(id))
    }

    private func tell(_ id: QueueID) async throws {
        let events = try await node.ask(.GET, "/admin/v1/messages/\(id)/trace") { data in
            data.split(separator: UInt8(ascii: "\n")).map { Data($0) }
        } spool: { spool, _ in
            try await MessageTrace.events(of: id, in: spool).map { Data($0.readableBytesView) }
        }
        guard !events.isEmpty else { throw Exit.saying("no event of \(id) is in the log", Exit.no) }
        for event in events {
            say(node.json ? String(decoding: event, as: UTF8.self) : try TraceText.line(event))
        }
    }
}
