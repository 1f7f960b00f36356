/// Many strings in one, without an allocation each.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    text: String,
    ends: Vec<usize>,
}

impl Strings {
    pub(crate) fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(crate) fn get(&self, position: u32) -> &str {
        let position = position as usize;
        let start = match position.checked_sub(1) {
            None => 0,
            Some(before) => self.ends[before],
        };
        &self.text[start..self.ends[position]]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}
