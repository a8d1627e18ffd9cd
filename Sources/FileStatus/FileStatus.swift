#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What a path or descriptor is.
///
/// A target of its own that imports the C library and nothing else. Several C modules (CDispatch, those of Foundation)
/// hold `struct stat` too, and which of them the compiler takes it from depends on what else is loaded: an import
/// elsewhere in a target broke its release build. Here none is, and no type of C leaves this file.
package struct FileStatus: Sendable {
    package let isRegular: Bool
    package let isDirectory: Bool
    package let isSocket: Bool
    /// Octets.
    package let size: Int
    package let inode: UInt
    /// Others may do nothing with it, and its group not write.
    package let isPrivate: Bool

    /// Follows symbolic links; `nil` with `errno` set where there is nothing.
    package init?(path: String) { self.init { stat(path, &$0) } }

    /// Of the link itself where the path is one.
    package init?(entry path: String) { self.init { lstat(path, &$0) } }

    package init?(descriptor: Int32) { self.init { fstat(descriptor, &$0) } }

    private init?(_ call: (inout stat) -> Int32) {
        var status = stat()
        guard call(&status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        isRegular = kind == S_IFREG
        isDirectory = kind == S_IFDIR
        isSocket = kind == S_IFSOCK
        size = Int(status.st_size)
        inode = UInt(status.st_ino)
        isPrivate = status.st_mode & (S_IRWXO | S_IWGRP) == 0
    }
}
