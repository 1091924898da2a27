// SPDX-License-Identifier: Apache-2.0
import CLI

/// Options of docker's that there is nothing to do for here: what changes nothing is taken, of the rest it is said why it cannot be had.
struct ForeignOptions: OptionGroup {
    static var options: [CommandOption<Self>] {
        [
            .flag("--disable-content-trust", "docker's; no image is fetched", hidden: true) { _, isDisabled in
                if !isDisabled { throw UsageError("there are no signatures to verify: no image is fetched") }
            },
            .text("--volume-driver local", "docker's; volumes are kept here", hidden: true) { try VolumeDriver.check($1) },
            .text("--isolation default", "docker's for Windows", hidden: true) {
                guard $1.isEmpty || $1 == "default" else { throw UsageError("invalid isolation '\($1)' on linux; there is only default") }
            },
            .text("--kernel-memory SIZE", "docker's, as long as kernels had it", hidden: true) {
                if try ByteSize($1, allowingUnlimited: true).bytes > 0 {
                    $0.notes.append(
                        "--kernel-memory is left out: no kernel has it since Linux 5.16; --memory counts the kernel's memory too")
                }
            },
            .text("--runtime NAME", "docker's; containers run on minictl itself", hidden: true) {
                guard ["", "minictl", "minirun"].contains($1) else {
                    throw UsageError("unknown or invalid runtime name: \($1); containers run on minictl itself")
                }
            },
            .text("--gpus REQUEST", "docker's, for a vendor's tools", hidden: true) { _, _ in
                throw UsageError(
                    "a driver's own tools would have to be brought into the container; give the devices with --device and the libraries with -v"
                )
            },
            .text("--storage-opt NAME=VALUE", "docker's, for some of its drivers", hidden: true) { _, _ in
                throw UsageError("the layer that a container writes has no size of its own; what bounds it is the file system it lies on")
            },
            .flag("--use-api-socket", "docker's, for its daemon", hidden: true) { _, isUsed in
                if isUsed { throw UsageError("there is no daemon, so there is no socket of one") }
            },
        ] + windows
    }

    private static var windows: [CommandOption<Self>] {
        [
            .text("--cpu-count NUMBER", "docker's for Windows", hidden: true) { _, _ in throw UsageError("it is for Windows; use --cpus") },
            .text("--cpu-percent NUMBER", "docker's for Windows", hidden: true) { _, _ in throw UsageError("it is for Windows; use --cpus")
            },
            .text("--io-maxbandwidth SIZE", "docker's for Windows", hidden: true) { _, _ in
                throw UsageError("it is for Windows; use --device-read-bps and --device-write-bps")
            },
            .text("--io-maxiops NUMBER", "docker's for Windows", hidden: true) { _, _ in
                throw UsageError("it is for Windows; use --device-read-iops and --device-write-iops")
            },
        ]
    }

    /// What was left out, to be said before anything is done.
    private(set) var notes: [String] = []
}
