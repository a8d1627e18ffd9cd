/// Why the spool could not do what was asked.
package struct SpoolError: Error, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No room: the disk is full, or a quota is reached.
        case full
        /// Cannot be reached or does not answer now.
        case unavailable
        /// It was written or not: read back before doing it again.
        case unknownResult
        /// Another owner has taken over; nothing of this one is written any more.
        case fenced
        case recordTooLarge
        /// Content that cannot be read.
        case corrupt
        /// Not a spool, or one of another kind or version.
        case foreign
        /// In use by another process.
        case inUse
        /// The rights of files or directories, or a file system that is mounted for reading only, forbid it.
        case forbidden
        case closed
    }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The same call may succeed later.
    package var isRetriable: Bool { code == .full || code == .unavailable || code == .unknownResult }

    package var description: String {
        if let cause { "\(message) (\(code.rawValue): \(cause))" } else { "\(message) (\(code.rawValue))" }
    }
}
