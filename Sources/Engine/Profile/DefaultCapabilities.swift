// SPDX-License-Identifier: Apache-2.0

/// What a container's root may do that other users may not: docker's fourteen, each bounded by the container's own namespaces.
package enum DefaultCapabilities {
    package static var names: [String] {
        [
            // Files of the image belong to many users, and package managers unpack them.
            "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETFCAP", "CAP_MKNOD",
            // Services start as root and become somebody else.
            "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL", "CAP_SYS_CHROOT",
            // Ports below 1024, ping, and what login writes.
            "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_AUDIT_WRITE",
        ]
    }
}
