// SPDX-License-Identifier: Apache-2.0

/// How much one layer may ask of the machine before it is taken for an attack.
package struct Budget: Sendable {
    /// Files, directories and links.
    package var entries = 2_000_000
    /// Bytes of tar, and bytes of files with their holes counted in full.
    package var bytes: Int64 = 64 << 30
    /// Beyond `ratioGrace` bytes a layer may be at most this many times larger than its compressed form.
    package var ratio: Int64 = 1000
    package var ratioGrace: Int64 = 1 << 30
    /// Bytes of a path, as `PATH_MAX` has it.
    package var path = 4096
    /// Bytes of tar between one entry's data and the next entry: long names, pax records, sparse maps.
    package var header: Int64 = 3 << 20

    package init() {}
}
