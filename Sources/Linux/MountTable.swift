// SPDX-License-Identifier: Apache-2.0
import CMount
import Glibc

/// What is mounted where in our mount namespace, as libmount reads `/proc/self/mountinfo`: for questions that people ask, not for every run.
package struct MountTable: ~Copyable {
    private let table: OpaquePointer

    package struct Entry: Equatable, Sendable {
        package let point: String
        /// The file system's type, such as `ext4`.
        package let type: String
        /// A device, or whatever the file system has in its place.
        package let source: String
    }

    /// Nil where the table cannot be read, or libmount is not there.
    package init?() {
        guard let table = libmnt_new_table() else { return nil }
        guard libmnt_table_parse_file(table, "/proc/self/mountinfo") == 0 else {
            libmnt_unref_table(table)
            return nil
        }
        self.table = table
    }

    deinit { libmnt_unref_table(table) }

    /// The mount that a path lies on, the topmost if there are several. Symbolic links are followed.
    package func mount(of path: String) -> Entry? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        guard let entry = libmnt_table_find_mountpoint(table, real, CInt(MNT_ITER_BACKWARD)), let point = libmnt_fs_get_target(entry) else {
            return nil
        }
        func text(_ value: UnsafePointer<CChar>?) -> String { value.map { String(cString: $0) } ?? "" }
        return Entry(point: text(point), type: text(libmnt_fs_get_fstype(entry)), source: text(libmnt_fs_get_source(entry)))
    }

    /// The version of the library, such as `2.38.1`; nil where it is not there.
    package static var libraryVersion: String? {
        var version: UnsafePointer<CChar>?
        guard libmnt_get_library_version(&version) > 0, let version else { return nil }
        return String(cString: version)
    }
}
