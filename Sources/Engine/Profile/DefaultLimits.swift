// SPDX-License-Identifier: Apache-2.0

/// Limits that nobody asked for: left out without a word where the machine cannot set them.
enum DefaultLimits {
    /// Processes of one container, podman's default: enough for any service, too few for a fork bomb to hurt.
    static let pids: Int64 = 2048
}
