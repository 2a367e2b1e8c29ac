//! Pictures of what the demonstration sells: drawn here, so that the repository needs no binary files. A few flat shapes
//! each, as a PNG of 240 by 180 points with a palette, not compressed.

/// Points of a picture.
const WIDTH: u8 = 240;
const HEIGHT: u8 = 180;
/// Ground, shape, light and dark of each picture.
type Palette = [u32; 4];

/// What a picture shows.
#[derive(Clone, Copy)]
pub(super) enum Shown {
    Teapot,
    Towel,
    Coins,
    Cup,
    Cakes,
}

/// The picture, as a file.
pub(super) fn png(shown: Shown) -> Vec<u8> {
    let (palette, colour) = drawing(shown);
    let colours = palette.map(u32::to_be_bytes);
    let colours = colours.map(|[_, red, green, blue]| [red, green, blue]);
    let mut points = Vec::new();
    for y in 0..HEIGHT {
        // No filter.
        points.push(0);
        points.extend((0..WIDTH).map(|x| colour(i32::from(x) - 120, i32::from(y) - 90)));
    }
    let head = [
        [0, 0, 0, WIDTH].as_slice(),
        &[0, 0, 0, HEIGHT],
        // Eight bits a point, by palette.
        &[8, 3, 0, 0, 0],
    ];
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, b"IHDR", &head.concat());
    chunk(&mut file, b"PLTE", colours.as_flattened());
    chunk(&mut file, b"IDAT", &stored(&points));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// Colours, and which of them a point has, counted from the middle.
fn drawing(shown: Shown) -> (Palette, fn(i32, i32) -> u8) {
    match shown {
        Shown::Teapot => ([0xE8_F0EE, 0xFA_FAF7, 0xD6_E0DE, 0x58_6E6C], teapot),
        Shown::Towel => ([0xF4_EEE4, 0xFF_FDF9, 0xE2_D8C8, 0x92_AABE], towel),
        Shown::Coins => ([0xFA_F3E0, 0xF0_BE3E, 0xFF_E082, 0xB0_801A], coins),
        Shown::Cup => ([0xEC_F3EA, 0xFC_FCFA, 0x78_A068, 0x46_6242], cup),
        Shown::Cakes => ([0xFA_F0EC, 0xEE_D6A0, 0xCC_A060, 0x96_603C], cakes),
    }
}

fn teapot(x: i32, y: i32) -> u8 {
    let body = x * x + (y - 14) * (y - 14) * 2 <= 62 * 62;
    let spout = (50..92).contains(&x) && (y + x - 82).abs() <= 9;
    let handle = (x + 66) * (x + 66) + (y - 8) * (y - 8);
    let lid = x * x + (y + 36) * (y + 36) <= 9 * 9;
    match (body || spout, (18 * 18..26 * 26).contains(&handle) || lid) {
        (true, _) if 22 < y => 2,
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    }
}

fn towel(x: i32, y: i32) -> u8 {
    match (x.abs() <= 58 && y.abs() <= 66, y) {
        (true, 38..52) => 3,
        (true, ..-40) => 2,
        (true, _) => 1,
        (false, _) => 0,
    }
}

fn coins(x: i32, y: i32) -> u8 {
    let from = |cx: i32, cy: i32| (x - cx) * (x - cx) + (y - cy) * (y - cy);
    match from(-34, 18).min(from(34, 18)).min(from(0, -34)) {
        ..=400 => 2,
        401..=1_156 => 1,
        1_157..=1_444 => 3,
        _ => 0,
    }
}

fn cup(x: i32, y: i32) -> u8 {
    let inside = x.abs() <= 56 - y.max(0) / 2 && (-30..=52).contains(&y);
    let handle = (x - 62) * (x - 62) + y * y;
    match (inside, (14 * 14..21 * 21).contains(&handle)) {
        (true, _) if y < -18 => 2,
        (true, _) => 1,
        (false, true) => 3,
        (false, false) => 0,
    }
}

fn cakes(x: i32, y: i32) -> u8 {
    let (column, row) = ((x + 96).rem_euclid(64) - 32, (y + 72).rem_euclid(72) - 36);
    let cake = column.abs() <= 24 && row.abs() <= 24;
    let middle = column * column + row * row <= 12 * 12;
    match (x.abs() <= 96 && y.abs() <= 72, cake, middle) {
        (true, true, true) => 3,
        (true, true, false) => 1,
        (true, false, _) => 2,
        (false, _, _) => 0,
    }
}

/// A part of a PNG.
fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    file.extend(length.to_be_bytes());
    let named = [kind.as_slice(), data].concat();
    file.extend(&named);
    file.extend(crc(&named).to_be_bytes());
}

/// As one block of a zlib stream that is not compressed: a picture is shorter than 64 KiB.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let mut stream = vec![0x78, 0x01, 0x01];
    stream.extend(length.to_le_bytes());
    stream.extend((!length).to_le_bytes());
    stream.extend(bytes);
    let (mut one, mut two) = (1_u32, 0_u32);
    for byte in bytes {
        one = (one + u32::from(*byte)) % 65_521;
        two = (two + one) % 65_521;
    }
    stream.extend(((two << 16) | one).to_be_bytes());
    stream
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_their_standards() {
        assert_eq!(crc(b"IEND"), 0xAE42_6082);
        assert_eq!(stored(b"Wikipedia")[16..], [0x11, 0xE6, 0x03, 0x98]);
    }

    #[test]
    fn a_picture_is_small_and_has_every_colour() {
        for shown in [
            Shown::Teapot,
            Shown::Towel,
            Shown::Coins,
            Shown::Cup,
            Shown::Cakes,
        ] {
            assert!(png(shown).len() < 64 * 1024);
            let (_, colour) = drawing(shown);
            for wanted in 0..4 {
                let any = (-90..90).any(|y| (-120..120).any(|x| colour(x, y) == wanted));
                assert!(any, "{wanted}");
            }
        }
    }
}
