import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// Messages as files of a maildir: written in `tmp`, then moved to `new`. Content as it came, with CRLF, below
/// `Return-Path` and one `Delivered-To` for each recipient. Nothing is synced to disk.
final class SinkMaildir: Sendable {
    private let directory: String
    private let counter = Atomic<Int>(0)
    private let suffix = "\(getpid()).\(ProcessInfo.processInfo.hostName.filter { $0 != "/" && $0 != ":" })"

    init(_ directory: String) throws {
        self.directory = directory
        for name in ["tmp", "new", "cur"] {
            try FileManager.default.createDirectory(
                atPath: "\(directory)/\(name)", withIntermediateDirectories: true)
        }
    }

    func keep(_ transaction: ReceivedTransaction) throws {
        let number = counter.wrappingAdd(1, ordering: .relaxed).newValue
        let name = "\(Int(Date().timeIntervalSince1970)).Q\(number)P\(suffix)"
        var fields = ByteBuffer()
        fields.writeString("Return-Path: <\(transaction.envelope.reversePath)>\r\n")
        for recipient in transaction.envelope.recipients {
            fields.writeString("Delivered-To: \(recipient.mailbox)\r\n")
        }
        let temporary = "\(directory)/tmp/\(name)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ToolFileError(path: temporary, code: errno) }
        defer { close(descriptor) }
        try ToolFile.write(fields, to: descriptor, temporary)
        try ToolFile.write(transaction.content, to: descriptor, temporary)
        guard rename(temporary, "\(directory)/new/\(name)") == 0 else {
            throw ToolFileError(path: temporary, code: errno)
        }
    }
}
