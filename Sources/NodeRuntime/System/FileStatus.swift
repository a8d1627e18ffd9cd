internal import CDispatch  // the module that this toolchain takes `struct stat` from when Dispatch is loaded as well
internal import Glibc

/// What a path or descriptor is.
struct FileStatus {
    let isRegular: Bool
    let isSocket: Bool
    let inode: UInt
    let size: Int
    /// Others may do nothing with it, and its group not write.
    let isPrivate: Bool

    /// Follows symbolic links; `nil` with `errno` set where there is nothing.
    init?(path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    /// Of the link itself where the path is one.
    init?(entry path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    init?(descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        isRegular = status.st_mode & S_IFMT == S_IFREG
        isSocket = status.st_mode & S_IFMT == S_IFSOCK
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        isPrivate = status.st_mode & (S_IRWXO | S_IWGRP) == 0
    }
}
