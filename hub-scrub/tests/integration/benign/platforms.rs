//! Names of things in clouds and clusters.

use super::identifiers::uuid;
use super::random::Random;
use super::shape::Shape;

/// Kubernetes leaves out vowels, so that no name becomes a word.
const KUBERNETES: &str = "bcdfghjklmnpqrstvwxz2456789";

const REGIONS: &[&str] = &["eu-west-1", "us-east-1", "ap-southeast-2", "eu-central-1"];

fn pod(random: &mut Random) -> String {
    let (app, replica) = (random.word(), random.text(KUBERNETES, 5));
    let set = random.pick(&[8, 9, 10]);
    match random.below(5) {
        0 => format!("{app}-{}", random.below(12)),
        // Jobs of a schedule have its minutes since 1970.
        1 => format!("{app}-{}-{replica}", random.milliseconds() / 60_000),
        _ => format!("{app}-{}-{replica}", random.text(KUBERNETES, set)),
    }
}

fn image(random: &mut Random) -> String {
    let registry =
        random.pick(&["registry.example.com/shop", "ghcr.io/example", "docker.io/library"]);
    let (app, digest) = (random.word(), random.hex(64));
    let version = format!("{}.{}.{}", random.below(9), random.below(30), random.below(20));
    match random.below(3) {
        0 => format!("{registry}/{app}@sha256:{digest}"),
        1 => format!("{registry}/{app}:{version}@sha256:{digest}"),
        _ => format!("{registry}/{app}:{version}-{}", random.hex(8)),
    }
}

/// Returns an ARN. One account in three begins with a zero, as an account does that looks like a telephone number.
fn arn(random: &mut Random) -> String {
    let account = match random.below(3) {
        0 => format!("0{}", random.digits(11)),
        _ => random.digits(12),
    };
    let (region, word) = (random.pick(REGIONS), random.word());
    match random.below(7) {
        0 => format!("arn:aws:iam::{account}:role/{word}"),
        1 => format!("arn:aws:iam::{account}:role/aws-service-role/{word}.example/{word}"),
        2 => format!("arn:aws:sqs:{region}:{account}:{word}"),
        3 => format!("arn:aws:lambda:{region}:{account}:function:{word}:{}", random.below(99)),
        4 => format!("arn:aws:ec2:{region}:{account}:instance/i-0{}", random.hex(16)),
        5 => {
            let target = format!("targetgroup/{word}/{}", random.hex(16));
            format!("arn:aws:elasticloadbalancing:{region}:{account}:{target}")
        }
        _ => format!(
            "arn:aws:dynamodb:{region}:{account}:table/{word}/stream/2026-08-23T00:05:00.123"
        ),
    }
}

fn azure(random: &mut Random) -> String {
    let subscription = uuid(random, 4);
    let (word, number) = (random.word(), random.below(10_000));
    let kind = random.pick(&[
        "Microsoft.Compute/virtualMachines",
        "Microsoft.Storage/storageAccounts",
        "Microsoft.Network/networkInterfaces",
    ]);
    format!(
        "/subscriptions/{subscription}/resourceGroups/{word}/providers/{kind}/{word}{number:04}"
    )
}

fn google(random: &mut Random) -> String {
    let (word, project) = (random.word(), random.digits(6));
    match random.below(4) {
        0 => {
            let instance = random.between(1_000_000_000_000_000_000, 9_200_000_000_000_000_000);
            format!("projects/{word}-{project}/zones/europe-west1-b/instances/{instance}")
        }
        1 => format!(
            "//cloudresourcemanager.googleapis.com/projects/{}",
            random.between(100_000_000_000, 999_999_999_999)
        ),
        2 => format!("projects/{}/topics/{word}", random.between(100_000_000_000, 999_999_999_999)),
        _ => format!(
            "projects/{word}-{project}/locations/us-central1/revisions/{word}-{:05}-{}",
            random.below(500),
            random.text(KUBERNETES, 3)
        ),
    }
}

/// Returns an id of a resource of EC2: a prefix and 17 hexadecimal digits.
fn ec2(random: &mut Random) -> String {
    let prefix = random.pick(&["i", "vpc", "subnet", "sg", "vol", "ami", "eni", "snap"]);
    format!("{prefix}-0{}", random.hex(16))
}

fn cgroup(random: &mut Random) -> String {
    let pod = uuid(random, 4).replace('-', "_");
    let container = random.hex(64);
    format!("/kubepods.slice/kubepods-pod{pod}.slice/cri-containerd-{container}.scope")
}

pub(super) const SHAPES: &[Shape] = &[
    Shape::text("pod of Kubernetes", &["pod", "pod_name", "hostname", "kubernetes.pod_name"], pod),
    Shape::text("container id", &["container_id", "containerID"], |r| {
        let runtime = r.pick(&["docker://", "containerd://", "cri-o://", ""]);
        let len = r.pick(&[12, 64]);
        format!("{runtime}{}", r.hex(len))
    }),
    Shape::text("image", &["image", "image_id", "imageID"], image),
    Shape::text("ARN", &["arn", "role_arn", "resource", "queue_arn"], arn),
    Shape::text("account id of AWS", &["account_id", "aws_account_id", "owner_id"], |r| {
        if r.one_in(3) { format!("0{}", r.digits(11)) } else { r.digits(12) }
    }),
    Shape::text("resource id of EC2", &["instance_id", "vpc_id", "resource_id"], ec2),
    Shape::text("resource id of Azure", &["resource_id", "scope", "resourceId"], azure),
    Shape::text("resource name of Google", &["resource", "name", "resourceName"], google),
    Shape::text("control group", &["cgroup", "slice"], cgroup),
    Shape::text("resource version", &["resourceVersion", "generation", "revision"], |r| {
        r.between(10_000_000, 9_999_999_999).to_string()
    }),
    Shape::text("volume", &["volume", "claim_name", "volume_name"], |r| {
        format!("pvc-{}", uuid(r, 4))
    }),
];
