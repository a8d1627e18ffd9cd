import ArgumentParser
import Foundation
import MailModel
import MessageFormat
import NIOCore
import NIOPosix
import SMTPProtocol
import SMTPTransport

/// Keeps and shows accepted messages, as far as options ask for it.
///
/// Records and prints are written on the connection's event loop, with one system call each, before the message is
/// answered; kept messages by a thread of their own.
final class SinkArchive: Sendable {
    enum Print: String, CaseIterable, ExpressibleByArgument { case headers, full }

    struct Configuration: Sendable {
        var directory: String?
        var recordFile: String?
        var recordedHeaders: [String] = []
        var prints: Print?
        var printsJSON = false

        var isEmpty: Bool { directory == nil && recordFile == nil && prints == nil }
    }

    private let configuration: Configuration
    private let scanner: HeaderScanner
    private let records: ToolFile?
    private let maildir: SinkMaildir?
    private let output = ToolFile.standardOutput

    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        scanner = HeaderScanner(names: configuration.recordedHeaders)
        records = try configuration.recordFile.map { try ToolFile(appendingTo: $0) }
        maildir = try configuration.directory.map { try SinkMaildir($0) }
    }

    func add(
        _ transaction: ReceivedTransaction, from client: ClientInfo, on eventLoop: any EventLoop
    ) -> EventLoopFuture<Void> {
        do {
            if records != nil || configuration.prints != nil { try tell(transaction, client) }
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        guard let maildir else { return eventLoop.makeSucceededVoidFuture() }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { try maildir.keep(transaction) }
    }

    private func tell(_ transaction: ReceivedTransaction, _ client: ClientInfo) throws {
        let record = SinkRecord(
            time: .now, transaction: transaction, client: client, section: scanner.scan(transaction.content))
        let isJSONWanted = records != nil || configuration.printsJSON
        let json = isJSONWanted ? record.json(headers: configuration.recordedHeaders) : ByteBuffer()
        try records?.append(json)
        guard let prints = configuration.prints else { return }
        try output.append(configuration.printsJSON ? json : record.text(isFull: prints == .full))
    }
}

extension Timestamp {
    fileprivate static var now: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }
}
