package import MailModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Why a message does not lie in a Maildir: what could not be done, where, and what the system said.
package struct MaildirFailure: Error, Equatable {
    package let operation: String
    package let path: String
    package let code: CInt
    /// It is in `new`, and may or may not be there after a crash.
    package var isAmbiguous = false

    init(_ operation: String, _ path: String, code: CInt) {
        (self.operation, self.path, self.code) = (operation, path, code)
    }

    package var failure: Failure {
        let reason = strerror(code).map { String(cString: $0) } ?? "unknown"
        return Failure(
            stage: isAmbiguous ? .acknowledgement : .content, cause: .storage(kind),
            text: "cannot \(operation) \(path): \(reason) (errno \(code))")
    }

    private var kind: Failure.StorageFailure {
        switch code {
        case ENOSPC: .full
        case EDQUOT, EFBIG: .quota
        case EACCES, EPERM, EROFS, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG: .denied
        default: .failed
        }
    }
}
