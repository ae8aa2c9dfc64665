//! Numbers, texts and lists as bytes: numbers in base 128, lengths before what they count.

use super::BadMoved;
use crate::JoinNumber;
use crate::bounds::DIRTY_MAX;
use chat_log::{NUMBER_MAX, Position};

/// Appends.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Seven bits a byte, the lowest first, the highest bit of each byte but the last one set (LEB128).
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes(text.as_bytes());
    }

    pub(super) fn position(&mut self, at: Position) {
        self.number(at.epoch);
        self.number(at.n);
    }

    pub(super) fn places(&mut self, places: &[(JoinNumber, Position)]) {
        self.number(places.len() as u64);
        for (join, at) in places {
            self.number(join.0.into());
            self.position(*at);
        }
    }
}

/// Takes from the front.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn byte(&mut self) -> Result<u8, BadMoved> {
        let (first, rest) = self.0.split_first().ok_or(BadMoved)?;
        self.0 = rest;
        Ok(*first)
    }

    pub(super) fn flag(&mut self) -> Result<bool, BadMoved> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BadMoved),
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BadMoved> {
        let (first, rest) = self.0.split_first_chunk().ok_or(BadMoved)?;
        self.0 = rest;
        Ok(*first)
    }

    /// In its one spelling: no zeros at the top.
    fn number(&mut self) -> Result<u64, BadMoved> {
        let mut number = 0_u64;
        for shift in (0..).step_by(7).take(8) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let plain = (byte != 0 || shift == 0) && number <= NUMBER_MAX;
                return if plain { Ok(number) } else { Err(BadMoved) };
            }
        }
        Err(BadMoved)
    }

    pub(super) fn number_u32(&mut self) -> Result<u32, BadMoved> {
        u32::try_from(self.number()?).map_err(|_| BadMoved)
    }

    pub(super) fn text(&mut self) -> Result<String, BadMoved> {
        let length = usize::try_from(self.number()?).map_err(|_| BadMoved)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(BadMoved)?;
        self.0 = rest;
        str::from_utf8(text).map(str::to_owned).map_err(|_| BadMoved)
    }

    pub(super) fn position(&mut self) -> Result<Position, BadMoved> {
        Ok(Position::new(self.number()?, self.number()?))
    }

    /// Nothing is set aside for what a list only says to hold.
    pub(super) fn list<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, BadMoved>,
    ) -> Result<Vec<T>, BadMoved> {
        let count = usize::try_from(self.number()?).map_err(|_| BadMoved)?;
        if count > max || count > self.0.len() {
            return Err(BadMoved);
        }
        let mut items = Vec::new();
        for _ in 0..count {
            items.push(item(self)?);
        }
        Ok(items)
    }

    pub(super) fn places(&mut self) -> Result<Vec<(JoinNumber, Position)>, BadMoved> {
        self.list(DIRTY_MAX, |from| Ok((JoinNumber(from.number_u32()?), from.position()?)))
    }
}
