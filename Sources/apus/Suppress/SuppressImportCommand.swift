import ArgumentParser
import Foundation
import MailModel
import NIOHTTP1
import Sender
import Spool

struct SuppressImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Adds the addresses of a file: one a line, or CSV.",
        discussion: """
            A first line with the name of a column (address, email, recipient; reason, tenant, expiry) says which is
            which; without one they are address, reason, tenant, expiry. Empty lines and those that begin with # are
            passed over. A domain is written @example.org or *.example.org.

            A line that is wrong is told with its number and passed over; the exit code is 1 then. What was imported
            stays, and importing it again changes nothing.
            """)

    @OptionGroup var node: NodeOptions
    @Argument(help: "File; standard input without it, or for \"-\".")
    var file: String?
    @Option(help: "Tenant of lines that name none; for all tenants without it.")
    var tenant: String?
    @Option(help: "Reason of lines that give none.")
    var reason: String?
    @Option(help: "When entries end whose line does not say: 180d, 2030-01-31 or 2030-01-31T12:00:00Z.")
    var expires: String?

    private func defaults(at now: Timestamp) throws -> AddressFile.Defaults {
        do throws(SuppressionRefusal) {
            let expiry = try expires.map { text throws(SuppressionRefusal) in
                try SuppressText.expiry(text, now: now)
            }
            return AddressFile.Defaults(tenant: tenant, reason: reason, expiry: expiry)
        } catch {
            throw ValidationError("--expires \(error)")
        }
    }

    func validate() throws { _ = try defaults(at: .now()) }

    func run() async throws {
        let now = Timestamp.now()
        let input: AddressFile
        do {
            input = try AddressFile(path: file, defaults: try defaults(at: now), now: now)
        } catch let error as ToolFileError {
            throw Exit.saying("\(error)", Exit.no)
        }
        defer { input.close() }
        // Asks once whether a node is there: a spool is then opened once for all batches.
        let path = "/admin/v1/suppressions"
        let first = [URLQueryItem(name: "limit", value: "1")]
        var importing = SuppressImport(input)
        let done: SuppressImport? = try await node.ask(.GET, path, query: first, writes: true) { _ in
            nil
        } spool: { spool, _ in
            let list = SuppressionList(spool: spool)
            try await importing.run { entries in try await list.add(entries) }
            return importing
        }
        if let done { return try done.finish(json: node.json) }
        let client = NodeClient(bases: try node.bases())
        try await importing.run { entries in
            let addition = SuppressionAddition(entries: entries.map { SuppressionItem($0) }, actor: SuppressText.actor)
            guard let answer = try await client.request(.POST, path, body: try JSONEncoder().encode(addition)) else {
                throw Exit.saying("the node has stopped answering; import the file again", Exit.unreachable)
            }
            _ = try NodeClient.body(answer)
        }
        try importing.finish(json: node.json)
    }
}

/// An import under way: a bounded batch at a time, so that a file of any length takes little memory.
struct SuppressImport {
    /// Bytes of a batch that are estimated as JSON: a node takes a body of 1 MB.
    private static let batchBytes = 400_000
    /// Wrong lines that are told one by one.
    private static let toldLines = 100

    private var input: AddressFile
    private(set) var added = 0
    private(set) var wrong = 0
    private var lastProgress = ContinuousClock.now

    init(_ input: AddressFile) { self.input = input }

    /// - Parameter write: Writes a batch durably.
    mutating func run(_ write: ([Suppression]) async throws -> Void) async throws {
        var (batch, bytes) = ([Suppression](), 0)
        while true {
            let line: AddressFile.Line?
            do {
                line = try input.next()
            } catch let error as ToolFileError {
                throw Exit.saying("\(error); \(added) entries were added", Exit.no)
            }
            if case .entry(let entry)? = line {
                batch.append(entry)
                bytes += 200 + "\(entry.key)".utf8.count + (entry.reason?.utf8.count ?? 0)
            } else if case .wrong(let why)? = line {
                tell(why)
            }
            if line == nil || batch.count >= SuppressionList.batch || bytes >= Self.batchBytes {
                if !batch.isEmpty { try await write(batch) }
                added += batch.count
                (batch, bytes) = ([], 0)
                progress()
            }
            if line == nil { return }
        }
    }

    private mutating func tell(_ why: String) {
        wrong += 1
        if wrong <= Self.toldLines {
            ToolFile.standardError.say("apus: \(input.name):\(input.number): \(why)")
        } else if wrong == Self.toldLines + 1 {
            ToolFile.standardError.say("apus: \(input.name): more lines are wrong; they are only counted")
        }
    }

    private mutating func progress() {
        guard ContinuousClock.now - lastProgress > .seconds(2) else { return }
        lastProgress = .now
        ToolFile.standardError.say("apus: \(input.name): \(input.number) lines read, \(added) entries added")
    }

    func finish(json: Bool) throws {
        if json {
            say(try NodeOptions.line(SuppressionTotals(added: added)))
        } else {
            say("\(added) added" + (wrong > 0 ? ", \(wrong) lines wrong" : ""))
        }
        if wrong > 0 { throw Exit.no }
    }
}
