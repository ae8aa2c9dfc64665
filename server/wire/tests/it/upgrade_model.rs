//! A stock client, a network that loses answers, and a proxy that repeats requests, in any order of events: as long as
//! the session lives, each packet arrives once and in order, both ways, on polling and across the move to a WebSocket;
//! and it lives unless somebody ended it.

use std::collections::VecDeque;

use chat_wire::engine::transport::{Cause, Close, Get, Post, Probe, Transport, Upgrade};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The server has a packet for the client.
    Push,
    /// The client polls.
    Get,
    /// The answer of the GET reaches the client, or is lost and the proxy repeats the request.
    GetAnswered,
    GetAnswerLost,
    /// The client sends a packet: its POST begins, its body is whole or breaks off (and is repeated), its answer comes
    /// or is lost (and it is repeated).
    Post,
    PostWhole,
    PostBroken,
    PostAnswered,
    PostAnswerLost,
    /// The client probes, learns of the answer, says `5` once its polling is at rest; or its WebSocket breaks before.
    Probe,
    ProbeAnswered,
    Five,
    ProbeLost,
    /// Somebody else's WebSocket names the session.
    SecondProbe,
    /// What ends a session.
    DuplicateGet,
    CancelGet,
    DuplicatePost,
    Close,
    End,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::{
        CancelGet, Close, DuplicateGet, DuplicatePost, End, Five, Get, GetAnswerLost, GetAnswered, Post,
        PostAnswerLost, PostAnswered, PostBroken, PostWhole, Probe, ProbeAnswered, ProbeLost, Push, SecondProbe,
    };
    let usual = vec![
        Push,
        Push,
        Get,
        Get,
        GetAnswered,
        GetAnswered,
        GetAnswerLost,
        Post,
        Post,
        PostWhole,
        PostWhole,
        PostBroken,
        PostAnswered,
        PostAnswered,
        PostAnswerLost,
        Probe,
        ProbeAnswered,
        Five,
        ProbeLost,
        SecondProbe,
    ];
    let ends = vec![DuplicateGet, CancelGet, DuplicatePost, Close, End];
    prop_oneof![60 => prop::sample::select(usual), 1 => prop::sample::select(ends)]
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// What the packets count; empty is `6`.
    Packets(Vec<usize>),
    Close,
    Refused,
}

#[derive(Debug, PartialEq, Eq)]
enum PostState {
    Reading,
    Answered,
    Refused,
}

/// What the client knows of its WebSocket.
#[derive(Debug, PartialEq, Eq)]
enum Socket {
    None,
    /// `2probe` is sent and was taken.
    Asked,
    /// `3probe` is here: the client polls no more.
    Paused,
    Moved,
}

struct World {
    transport: Transport,
    /// What the server has sent so far, and what of it still waits.
    pushed: usize,
    queue: VecDeque<usize>,
    /// The server's copy of the last payload.
    last: Answer,
    handled: usize,
    /// Somebody ended the session, or closes it.
    ended: bool,
    closing: bool,

    marks: usize,
    get: Option<(String, Option<Answer>)>,
    post: Option<(String, usize, PostState)>,
    socket: Socket,
    received: usize,
    posted: usize,
    /// The client has seen the end.
    gone: bool,
}

impl World {
    fn new() -> Self {
        Self {
            transport: Transport::polling(),
            pushed: 0,
            queue: VecDeque::new(),
            last: Answer::Refused,
            handled: 0,
            ended: false,
            closing: false,
            marks: 0,
            get: None,
            post: None,
            socket: Socket::None,
            received: 0,
            posted: 0,
            gone: false,
        }
    }

    fn mark(&mut self) -> String {
        self.marks += 1;
        format!("t{}", self.marks)
    }

    // The server.

    fn answer_held(&mut self, answer: Answer) {
        self.transport.answered();
        self.last = answer.clone();
        let Some((_, slot @ None)) = &mut self.get else { panic!("no GET is held") };
        *slot = Some(answer);
    }

    fn end_held(&mut self, held: Option<&str>) {
        match held {
            Some("1") => self.answer_held(Answer::Close),
            Some("6") => self.answer_held(Answer::Packets(Vec::new())),
            Some(other) => panic!("unexpected answer {other}"),
            None => {}
        }
    }

    fn flush(&mut self) {
        if self.transport.is_websocket() {
            assert_eq!(self.socket, Socket::Moved, "nothing goes to the WebSocket before 5");
            for packet in std::mem::take(&mut self.queue) {
                self.receive(packet);
            }
        } else if self.transport.has_get() && !self.queue.is_empty() {
            let packets = self.queue.drain(..).collect();
            self.answer_held(Answer::Packets(packets));
        }
    }

    fn serve_get(&mut self, t: &str) {
        match self.transport.get(Some(t)) {
            Get::Hold => {
                self.get = Some((t.to_owned(), None));
                self.flush();
            }
            Get::Flush => {
                self.get = Some((t.to_owned(), None));
                let packets = self.queue.drain(..).collect();
                self.answer_held(Answer::Packets(packets));
            }
            Get::Repeat => self.get = Some((t.to_owned(), Some(self.last.clone()))),
            Get::Close => {
                self.ended = true;
                self.get = Some((t.to_owned(), Some(Answer::Close)));
            }
            Get::Refuse => {
                assert!(self.ended, "a live session refuses no GET of its client");
                self.get = Some((t.to_owned(), Some(Answer::Refused)));
            }
            Get::Conflict => panic!("the client has one GET at a time"),
        }
    }

    fn serve_post(&mut self, t: &str, number: usize) {
        let state = match self.transport.post(Some(t)) {
            Post::Take => PostState::Reading,
            Post::Repeat => {
                assert!(number < self.handled, "a repeat that was never handled");
                PostState::Answered
            }
            Post::Refuse => {
                assert!(self.ended || self.closing, "a live session refuses no POST of its client");
                PostState::Refused
            }
            Post::Overlap { .. } => panic!("the client has one POST at a time"),
        };
        self.post = Some((t.to_owned(), number, state));
    }

    // The client.

    fn receive(&mut self, packet: usize) {
        assert_eq!(packet, self.received, "the next packet, once and in order");
        self.received += 1;
    }

    fn may_poll(&self) -> bool {
        !self.gone && matches!(self.socket, Socket::None | Socket::Asked)
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Push => self.push(),
            Step::Get => {
                if self.may_poll() && self.get.is_none() {
                    let t = self.mark();
                    self.serve_get(&t);
                }
            }
            Step::GetAnswered => self.get_answered(),
            Step::GetAnswerLost => {
                if let Some((t, Some(_))) = self.get.take_if(|(_, answer)| answer.is_some()) {
                    self.serve_get(&t);
                }
            }
            Step::Post => {
                if self.may_poll() && self.post.is_none() {
                    let t = self.mark();
                    self.posted += 1;
                    self.serve_post(&t, self.posted - 1);
                }
            }
            Step::PostWhole => self.post_whole(),
            Step::PostBroken => {
                if let Some((t, number, _)) = self.post.take_if(|(.., state)| *state == PostState::Reading) {
                    self.transport.post_cancelled();
                    self.serve_post(&t, number);
                }
            }
            Step::PostAnswered => {
                if let Some((.., state)) = self.post.take_if(|(.., state)| *state != PostState::Reading) {
                    self.gone |= state == PostState::Refused;
                }
            }
            Step::PostAnswerLost => {
                if let Some((t, number, _)) = self.post.take_if(|(.., state)| *state == PostState::Answered) {
                    self.serve_post(&t, number);
                }
            }
            Step::Probe => self.probe(),
            Step::ProbeAnswered => {
                if self.socket == Socket::Asked {
                    self.socket = Socket::Paused;
                }
            }
            Step::Five => self.five(),
            Step::ProbeLost => {
                if matches!(self.socket, Socket::Asked | Socket::Paused) {
                    self.socket = Socket::None;
                    self.transport.probe_lost();
                }
            }
            Step::SecondProbe => {
                if self.socket != Socket::None {
                    assert_eq!(self.transport.probe(), Probe::Refuse);
                }
            }
            Step::DuplicateGet => self.duplicate_get(),
            Step::CancelGet => self.cancel_get(),
            Step::DuplicatePost => self.duplicate_post(),
            Step::Close => self.close(),
            Step::End => {
                let held = self.transport.end(Cause::Server);
                self.end_held(held);
                self.ended = true;
            }
        }
        assert_eq!(self.transport.is_closed(), self.ended, "it lives unless somebody ended it");
    }

    fn push(&mut self) {
        if !self.ended && !self.closing {
            self.queue.push_back(self.pushed);
            self.pushed += 1;
            self.flush();
        }
    }

    fn get_answered(&mut self) {
        if let Some((_, Some(answer))) = self.get.take_if(|(_, answer)| answer.is_some()) {
            match answer {
                Answer::Packets(packets) => packets.into_iter().for_each(|packet| self.receive(packet)),
                Answer::Close | Answer::Refused => self.gone = true,
            }
        }
    }

    fn post_whole(&mut self) {
        if let Some((_, number, state @ PostState::Reading)) = &mut self.post {
            if self.transport.posted() {
                assert_eq!(*number, self.handled, "handled once and in order");
                self.handled += 1;
                *state = PostState::Answered;
            } else {
                assert!(self.ended || self.closing);
                *state = PostState::Refused;
            }
        }
    }

    fn probe(&mut self) {
        if !self.gone && self.socket == Socket::None {
            match self.transport.probe() {
                Probe::Answer { held } => {
                    self.socket = Socket::Asked;
                    self.end_held(held);
                }
                Probe::Refuse => assert!(self.ended || self.closing),
            }
        }
    }

    fn five(&mut self) {
        if self.socket == Socket::Paused && self.get.is_none() && self.post.is_none() && !self.gone {
            self.socket = Socket::Moved;
            match self.transport.upgrade() {
                Upgrade::Done { held } => {
                    assert_eq!(held, None);
                    self.flush();
                }
                Upgrade::Refuse => {
                    assert!(self.ended || self.closing);
                    self.gone = true;
                }
            }
        }
    }

    fn duplicate_get(&mut self) {
        if self.transport.has_get() {
            assert_eq!(self.transport.get(Some("another")), Get::Conflict);
            self.answer_held(Answer::Close);
            self.ended = true;
        }
    }

    fn cancel_get(&mut self) {
        let held = self.transport.has_get();
        assert_eq!(self.transport.get_cancelled(), held);
        if held {
            self.ended = true;
            self.get = Some((String::new(), Some(Answer::Refused)));
        }
    }

    fn duplicate_post(&mut self) {
        let reading = matches!(self.post, Some((_, _, PostState::Reading)));
        if reading && !self.ended && self.socket != Socket::Moved {
            let Post::Overlap { held } = self.transport.post(Some("another")) else { panic!("no overlap") };
            self.end_held(held);
            self.ended = true;
        }
    }

    fn close(&mut self) {
        match self.transport.close() {
            Close::Answer(packet) => {
                self.end_held(Some(packet));
                self.ended = true;
            }
            Close::Await => {
                self.closing = true;
                self.queue.clear();
            }
            Close::WebSocket => {
                self.ended = true;
                self.gone = true;
            }
            Close::Ended => assert!(self.ended),
        }
    }

    /// The network is good from here on: all that was sent arrives.
    fn settle(&mut self) {
        for _ in 0..4 {
            for step in
                [Step::PostWhole, Step::PostAnswered, Step::GetAnswered, Step::Five, Step::Get, Step::GetAnswered]
            {
                self.step(step);
            }
        }
        if !self.ended && !self.closing {
            assert_eq!(self.received, self.pushed, "all packets of the server arrived");
            assert_eq!(self.handled, self.posted, "all packets of the client arrived");
            assert_ne!(self.socket, Socket::Paused, "a client that was let to probe could move");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn no_packet_is_lost_or_doubled(steps in vec(step(), 0..80)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.settle();
    }
}
