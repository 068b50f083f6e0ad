//! Social security numbers of the United States.

use super::cluster::Cluster;
use super::scan::Found;

/// `AAA-GG-SSSS`, with spaces instead, or nine digits in one piece (ambiguous).
pub(super) fn find(cluster: &Cluster<'_>, first: usize) -> Option<Found> {
    let whole = |sep| cluster.is_row(first, &[3, 2, 4], sep);
    let count = match cluster.groups()[first].len {
        3 if whole(b'-') || whole(b' ') => 3,
        9 if !cluster.letter_follows(first) && cluster.sep(first) != b'.' => 1,
        _ => return None,
    };
    let mut digits = [0; 9];
    let digits = cluster.digits(first, count, &mut digits)?;
    let number = |part: &[u8]| part.iter().fold(0, |n, &d| n * 10 + u32::from(d));
    let (area, group, serial) = (number(&digits[..3]), number(&digits[3..5]), number(&digits[5..]));
    let issued = !matches!(area, 0 | 666 | 900..) && group > 0 && serial > 0;
    issued.then(|| Found::groups(cluster, first, count, count == 3))
}
