package import DeliveryPolicy
package import MailModel
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Puts messages into Maildirs: into `tmp`, synced, then under its final name into `new`, and `new` synced.
///
/// A reader never sees a part of a message, and what `deliver` has returned from is still there after a crash. Every
/// call blocks: it belongs on a thread that has nothing else to do.
package struct MaildirWriter: Sendable {
    private let template: MaildirTemplate
    /// Whether a Maildir that is missing is made.
    private let creates: Bool
    private let host: String

    package init(_ template: MaildirTemplate, creates: Bool, host: String) {
        (self.template, self.creates, self.host) = (template, creates, host)
    }

    /// - Returns: Path of the message.
    package func deliver(_ message: MaildirMessage, to mailbox: Mailbox, names: [String]) throws(MaildirFailure)
        -> String
    {
        let maildir = try open(names)
        let head = message.head(for: mailbox)
        let temporary = try write(head, message, into: maildir.tmp)
        let name = temporary + message.sizes(head: head)
        try move(temporary, from: maildir.tmp, to: name, in: maildir.new)
        do {
            try maildir.new.sync()
        } catch {
            var failure = error
            failure.isAmbiguous = true
            throw failure
        }
        return "\(maildir.new.path)/\(name)"
    }

    private struct Folders: ~Copyable {
        let tmp: Directory
        let new: Directory
    }

    private func open(_ names: [String]) throws(MaildirFailure) -> Folders {
        var maildir = try Directory(existing: template.root)
        for name in names { maildir = try maildir.child(name, creates: creates) }
        // Whoever owns a Maildir must not lead us elsewhere by a link in the place of one of these.
        let tmp = try maildir.child("tmp", creates: creates, followsLink: false)
        let new = try maildir.child("new", creates: creates, followsLink: false)
        if tmp.isNew || new.isNew { _ = try maildir.child("cur", creates: creates) }
        return Folders(tmp: tmp, new: new)
    }

    /// - Returns: Name of the file, which is complete and durable.
    private func write(
        _ head: ByteBuffer, _ message: MaildirMessage, into tmp: borrowing Directory
    ) throws(MaildirFailure) -> String {
        let name = UniqueName.next(host: host)
        let path = "\(tmp.path)/\(name)"
        let file = openat(tmp.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw MaildirFailure("create", path, code: errno) }
        var code = Self.writeAll(head, to: file) ?? Self.writeAll(message.body, to: file)
        if code == nil, fsync(file) != 0 { code = errno }
        // NFS tells of a quota only here.
        if close(file) != 0, code == nil, errno != EINTR { code = errno }
        guard let code else { return name }
        tmp.remove(name)
        throw MaildirFailure("write", path, code: code)
    }

    /// - Returns: What went wrong.
    private static func writeAll(_ buffer: ByteBuffer, to file: CInt) -> CInt? {
        buffer.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            while let base = UnsafeRawBufferPointer(rebasing: rest).baseAddress, !rest.isEmpty {
                let count = writeOnce(file, base, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count < 0 ? errno : ENOSPC }
                rest = rest.dropFirst(count)
            }
            return nil
        }
    }

    /// That of the C library: this type has a `write` of its own.
    private static func writeOnce(_ file: CInt, _ base: UnsafeRawPointer, _ count: Int) -> Int {
        #if canImport(Glibc)
            Glibc.write(file, base, count)
        #elseif canImport(Musl)
            Musl.write(file, base, count)
        #else
            Darwin.write(file, base, count)
        #endif
    }

    /// By a link, which takes no other file's place; file systems without links rename.
    private func move(
        _ temporary: String, from tmp: borrowing Directory, to name: String, in new: borrowing Directory
    ) throws(MaildirFailure) {
        defer { tmp.remove(temporary) }
        if linkat(tmp.descriptor, temporary, new.descriptor, name, 0) == 0 { return }
        guard [EPERM, EOPNOTSUPP, ENOSYS, EMLINK, EXDEV].contains(errno),
            renameat(tmp.descriptor, temporary, new.descriptor, name) == 0
        else { throw MaildirFailure("move into", "\(new.path)/\(name)", code: errno) }
    }
}
