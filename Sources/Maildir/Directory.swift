#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An open directory. Everything below it is named relative to it, so that nobody can move it away in between.
struct Directory: ~Copyable {
    private static let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC

    let descriptor: CInt
    /// For messages to people.
    let path: String
    /// It was made when it was opened.
    let isNew: Bool

    /// Opens one that must be there.
    init(existing path: String) throws(MaildirFailure) {
        let descriptor = open(path, Self.flags)
        guard descriptor >= 0 else { throw MaildirFailure("open", path, code: errno) }
        (self.descriptor, self.path, isNew) = (descriptor, path, false)
    }

    private init(descriptor: CInt, path: String, isNew: Bool) {
        (self.descriptor, self.path, self.isNew) = (descriptor, path, isNew)
    }

    deinit { close(descriptor) }

    /// - Parameters:
    ///   - creates: Make it where it is missing, for this user alone; what leads to it is then durable.
    ///   - followsLink: It may be a symbolic link, as an administrator would set it.
    func child(
        _ name: String, creates: Bool, followsLink: Bool = true
    ) throws(MaildirFailure) -> Directory {
        let path = "\(path)/\(name)"
        let flags = followsLink ? Self.flags : Self.flags | O_NOFOLLOW
        var child = openat(descriptor, name, flags)
        var isNew = false
        if child < 0, errno == ENOENT, creates {
            isNew = mkdirat(descriptor, name, 0o700) == 0
            guard isNew || errno == EEXIST else { throw MaildirFailure("create", path, code: errno) }
            if isNew { try sync() }
            child = openat(descriptor, name, flags)
        }
        guard child >= 0 else { throw MaildirFailure("open", path, code: errno) }
        return Directory(descriptor: child, path: path, isNew: isNew)
    }

    /// Makes its entries durable.
    func sync() throws(MaildirFailure) {
        guard fsync(descriptor) == 0 else { throw MaildirFailure("sync", path, code: errno) }
    }

    func remove(_ name: String) { _ = unlinkat(descriptor, name, 0) }
}
