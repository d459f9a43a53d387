//! Uploads that nobody will complete are listed and given up. Knows whose they are by `sweep`.

use std::time::Duration;

use super::super::call::{Answer, Call, CallId};
use super::super::sweep::SweepRules;
use super::{Owner, SWEEP_INTERVAL, Sweep, Uploader};
use crate::bucket::BucketErrorKind;

impl Uploader {
    pub(super) fn sweep(&mut self, now: Duration, calls: &mut Vec<(CallId, Call)>) {
        if matches!(self.sweep, Sweep::Idle) {
            let expiry = self.setup.expiration.is_some() && now >= self.next_expiry;
            let drained = self.sweep_when_drained && self.calls.is_empty() && self.is_drained();
            if expiry || drained {
                self.sweep = Sweep::Due(now.max(self.sweep_not_before));
                self.sweep_when_drained &= !drained;
            }
        }
        let after = match std::mem::replace(&mut self.sweep, Sweep::Idle) {
            Sweep::Due(at) if at <= now => None,
            Sweep::More(after) => Some(after),
            other => {
                self.sweep = other;
                return;
            }
        };
        let call = Call::ListUploads { prefix: self.setup.listing_prefix.clone(), after };
        self.sweep = Sweep::Listing;
        let call = self.register(Owner::Sweep, call);
        calls.push(call);
    }

    pub(super) fn swept(&mut self, answer: Answer, now: Duration, calls: &mut Vec<(CallId, Call)>) {
        let Answer::ListUploads(page) = answer else { return };
        match page {
            Ok(page) => {
                let rules = self.setup.ledger.state(|state| SweepRules {
                    id: self.setup.id.clone(),
                    incarnation: self.setup.incarnation.clone(),
                    runs: state.runs.clone(),
                    uploaded_number: state.uploaded_number,
                    expiration: self.setup.expiration,
                });
                let wall = self.setup.clock.wall();
                if !page.uploads.iter().any(|upload| rules.may_abort(upload, wall)) {
                    self.sweep_backoff.succeeded();
                }
                for upload in page.uploads.iter().filter(|upload| rules.may_abort(upload, wall)) {
                    tracing::info!(key = %upload.key, upload_id = %upload.upload_id, "an upload left open is aborted");
                    let abort = Call::Abort { key: upload.key.clone(), upload_id: upload.upload_id.clone() };
                    let call = self.register(Owner::SweepAbort, abort);
                    calls.push(call);
                }
                self.sweep = match page.next {
                    Some(next) => Sweep::More(next),
                    None => {
                        self.next_expiry = now + SWEEP_INTERVAL;
                        Sweep::Idle
                    }
                };
            }
            Err(error) => {
                let refused =
                    matches!(error.kind(), BucketErrorKind::Forbidden | BucketErrorKind::Unsupported);
                self.sweep = if refused {
                    Sweep::NotPermitted
                } else {
                    Sweep::Due(now + self.sweep_backoff.failed(self.random()))
                };
            }
        }
    }

    /// An upload that is of no use was aborted, or wasn't.
    pub(super) fn aborted(&mut self, answer: &Answer, now: Duration) {
        let Some(error) = answer.error() else { return };
        let is_over = matches!(
            error.kind(),
            BucketErrorKind::NoSuchUpload | BucketErrorKind::Forbidden | BucketErrorKind::Unsupported
        );
        if !is_over {
            self.sweep_when_drained = true;
            if self.sweep_not_before <= now {
                self.sweep_not_before = now + self.sweep_backoff.failed(self.random());
            }
        }
    }
}
