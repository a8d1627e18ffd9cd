import Foundation
import MailModel
import NIOCore
import SMTPProtocol
import Synchronization

/// An error of a file, with its path.
struct SinkFileError: Error, CustomStringConvertible {
    let path: String
    let code: CInt
    var description: String { "\(path): \(String(cString: strerror(code)))" }
}

/// A file that lines are appended to, from any thread; each at once.
final class SinkFile: Sendable {
    static let standardOutput = SinkFile(descriptor: STDOUT_FILENO, path: "standard output")

    private let descriptor: CInt
    private let path: String
    private let lock = Mutex(())

    private init(descriptor: CInt, path: String) { (self.descriptor, self.path) = (descriptor, path) }

    convenience init(appendingTo path: String) throws {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SinkFileError(path: path, code: errno) }
        self.init(descriptor: descriptor, path: path)
    }

    func append(_ bytes: ByteBuffer) throws {
        try lock.withLock { _ in try Self.write(bytes, to: descriptor, path) }
    }

    static func write(_ bytes: ByteBuffer, to descriptor: CInt, _ path: String) throws {
        try bytes.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let count = Foundation.write(descriptor, base, rest.count)
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno != EINTR {
                    throw SinkFileError(path: path, code: errno)
                }
            }
        }
    }
}

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
        guard descriptor >= 0 else { throw SinkFileError(path: temporary, code: errno) }
        defer { close(descriptor) }
        try SinkFile.write(fields, to: descriptor, temporary)
        try SinkFile.write(transaction.content, to: descriptor, temporary)
        guard rename(temporary, "\(directory)/new/\(name)") == 0 else {
            throw SinkFileError(path: temporary, code: errno)
        }
    }
}
