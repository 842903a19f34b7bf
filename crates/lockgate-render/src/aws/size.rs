//! Sizes of tasks: only certain pairs of CPU and memory can be had.

use lockgate_model::Resources;

use crate::facts::quantity::{bytes, millicpu};

/// CPU in units, of which 1024 are a CPU, and the memory that can be had with it, in MiB.
struct Combination {
    cpu: u64,
    memory: &'static [u64],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
    /// What was asked for, where it cannot be had.
    pub(crate) asked: Option<String>,
}

const fn steps<const N: usize>(first: u64, step: u64) -> [u64; N] {
    let mut all = [0; N];
    let mut idx = 0;
    let mut next = first;
    while idx < N {
        all[idx] = next;
        next += step;
        idx += 1;
    }
    all
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html>
const FARGATE: [Combination; 7] = [
    Combination { cpu: 256, memory: &[512, 1_024, 2_048] },
    Combination { cpu: 512, memory: &steps::<4>(1_024, 1_024) },
    Combination { cpu: 1_024, memory: &steps::<7>(2_048, 1_024) },
    Combination { cpu: 2_048, memory: &steps::<13>(4_096, 1_024) },
    Combination { cpu: 4_096, memory: &steps::<23>(8_192, 1_024) },
    Combination { cpu: 8_192, memory: &steps::<12>(16_384, 4_096) },
    Combination { cpu: 16_384, memory: &steps::<12>(32_768, 8_192) },
];

/// <https://docs.aws.amazon.com/apprunner/latest/dg/architecture.html>
const APP_RUNNER: [Combination; 5] = [
    Combination { cpu: 256, memory: &[512, 1_024] },
    Combination { cpu: 512, memory: &[1_024] },
    Combination { cpu: 1_024, memory: &[2_048, 3_072, 4_096] },
    Combination { cpu: 2_048, memory: &[4_096, 6_144] },
    Combination { cpu: 4_096, memory: &[8_192, 10_240, 12_288] },
];

pub(crate) fn fargate(resources: &Resources) -> Option<Size> {
    smallest(resources, &FARGATE)
}

pub(crate) fn app_runner(resources: &Resources) -> Option<Size> {
    smallest(resources, &APP_RUNNER)
}

/// The smallest that has at least what is asked for; `None` where even the largest is too small.
///
/// A task can use what it has and nothing beyond, so the limits count where there are some.
fn smallest(resources: &Resources, combinations: &[Combination]) -> Option<Size> {
    let (requests, limits) = (&resources.requests, &resources.limits);
    let most = |amounts: [Option<&String>; 2], read: fn(&str) -> Option<u64>| {
        amounts.into_iter().flatten().filter_map(|it| read(it)).max()
    };
    let millicpu = most([requests.cpu.as_ref(), limits.cpu.as_ref()], millicpu);
    let bytes = most([requests.memory.as_ref(), limits.memory.as_ref()], bytes);
    let cpu = millicpu.map(|it| (it * 1_024).div_ceil(1_000));
    let memory = bytes.map(|it| it.div_ceil(1 << 20));
    let wanted_memory = memory.unwrap_or(0);
    let found = combinations.iter().find_map(|it| {
        let memory = it.memory.iter().find(|it| wanted_memory <= **it)?;
        (cpu.unwrap_or(0) <= it.cpu).then_some((it.cpu, *memory))
    });
    let (got_cpu, got_memory) = found?;
    let exact = cpu.is_none_or(|it| it == got_cpu) && memory.is_none_or(|it| it == got_memory);
    let asked = || {
        let cpu = cpu.map(|it| format!("{it} units of CPU"));
        let memory = memory.map(|it| format!("{it} MiB of memory"));
        cpu.into_iter().chain(memory).collect::<Vec<_>>().join(" and ")
    };
    Some(Size { cpu: got_cpu, memory: got_memory, asked: (!exact).then(asked) })
}

#[cfg(test)]
mod tests {
    use lockgate_model::Quantities;

    use super::*;

    fn size(cpu: Option<&str>, memory: Option<&str>) -> Option<(u64, u64, bool)> {
        let limits = Quantities { cpu: cpu.map(str::to_owned), memory: memory.map(str::to_owned) };
        let size = fargate(&Resources { limits, ..Resources::default() })?;
        Some((size.cpu, size.memory, size.asked.is_some()))
    }

    #[test]
    fn a_task_is_the_smallest_that_has_what_is_asked_for() {
        assert_eq!(size(None, None), Some((256, 512, false)));
        assert_eq!(size(Some("250m"), Some("512Mi")), Some((256, 512, false)));
        assert_eq!(size(Some("1"), Some("1Gi")), Some((1_024, 2_048, true)));
        assert_eq!(size(None, Some("3Gi")), Some((512, 3_072, false)));
        assert_eq!(size(Some("100m"), None), Some((256, 512, true)));
        assert_eq!(size(Some("16"), Some("120Gi")), Some((16_384, 122_880, false)));
        assert_eq!(size(Some("17"), None), None);
    }
}
