// SPDX-License-Identifier: Apache-2.0
import Glibc
import Linux

extension UserRanges {
    /// A slot in use: taken as long as its descriptors, or copies of them in a fork, are open. Whoever watches the container holds them: nothing
    /// has to be given back, nothing is left by a crash, and whatever the tables say by now, no two ranges overlap.
    ///
    /// A range is taken by the lock on as many bytes of a file in `runtime/ranges`, at the numbers of its ids, users below 2^32 and groups above.
    /// There are 64 files, each for every 64th block of 65536 ids, because the kernel steps through all the locks of a file whenever one is
    /// taken, and again at each closing.
    struct Claim: ~Copyable {
        let slot: Slot
        private let files: [LockFile]

        /// Takes that slot; nil if somebody has any of its ids.
        init?(_ slot: Slot, in home: borrowing Home) throws(SystemError) {
            var files: [LockFile] = []
            for first in [Int64(slot.users), 1 << 32 + Int64(slot.groups)] {
                let ids = first..<first + Int64(UserRanges.size)
                for block in ids.lowerBound >> 16...(ids.upperBound - 1) >> 16 {
                    let number = Int(block & 63)
                    if !files.contains(where: { $0.number == number }) { files.append(try LockFile(number, in: home)) }
                    guard let file = files.first(where: { $0.number == number }), try file.descriptor.lockBytes(ids) else { return nil }
                }
            }
            self.slot = slot
            self.files = files
        }
    }
}

private final class LockFile {
    let number: Int
    let descriptor: FileDescriptor

    init(_ number: Int, in home: borrowing Home) throws(SystemError) {
        func open() throws(SystemError) -> FileDescriptor {
            try FileDescriptor(opening: "ranges/\(number)", at: home.runtime.place, [.readWrite, .create, .noFollow], mode: 0o600)
        }
        self.number = number
        do throws(SystemError) { descriptor = try open() } catch  where error.errno == ENOENT {
            try Directory.make("ranges", at: home.runtime.place)
            descriptor = try open()
        }
    }
}
