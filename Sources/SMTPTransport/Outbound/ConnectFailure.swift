import MailModel
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension Failure {
    /// What an error of `connect` or the `bind` before it says about the host, or about this node.
    static func connecting(_ error: any Error) -> Failure {
        if case ChannelError.connectTimeout? = error as? ChannelError {
            return Failure(stage: .connect, cause: .timeout, text: "the host did not answer in time")
        }
        guard let error = error as? IOError else {
            return Failure(stage: .connect, cause: .local, text: "cannot connect: \(error)")
        }
        let reason = strerror(error.errnoCode).map { String(cString: $0) } ?? "error \(error.errnoCode)"
        return Failure(stage: .connect, cause: cause(error.errnoCode), text: "cannot connect: \(reason)")
    }

    private static func cause(_ code: CInt) -> Cause {
        switch code {
        case ECONNREFUSED: .connectionRefused
        case ETIMEDOUT: .timeout
        case ECONNRESET, ECONNABORTED, EPIPE: .connectionLost
        // No such source address here, no port or descriptor left, or a firewall of our own.
        case EADDRNOTAVAIL, EADDRINUSE, EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES, EPERM, EAFNOSUPPORT, EINVAL: .local
        default: .unreachable
        }
    }
}
