package Endurance::Hook;

=head1 NAME

Endurance::Hook - a WebhookReceiver that keeps apart what it was sent and what it took

=head2 taken

What it took, oldest first: hashes of id, time (with fractions), client, text (the event's message),
is_signed, and unanswered: the sender may not have been told.

=cut

use strict;
use warnings;

use JSON::PP ();

use parent 'WebhookReceiver';

sub taken {
    my ($self) = @_;
    return map { $self->_telling($_) } $self->requests('taken');
}

sub _telling {
    my ($self, $taken) = @_;
    my $event = JSON::PP->new->utf8->decode($taken->{body});
    my $signed = $self->signature("$taken->{id}.$taken->{timestamp}.$taken->{body}");
    return {
        id => $taken->{id},
        time => $taken->{time},
        client => $event->{client_id} // '',
        text => $event->{message},
        is_signed => ($taken->{signature} // '') eq $signed,
        unanswered => $taken->{unanswered},
    };
}

# --- the forked process ---------------------------------------------------------------------------

sub answer {
    my ($self, $request) = @_;
    my $fault = $request->{fault} // {};
    my ($id, $timestamp, $signature) = map { $request->{header}{"webhook-$_"} } qw(id timestamp signature);
    $self->record({
        service => 'taken',
        id => $id,
        timestamp => $timestamp,
        signature => $signature,
        body => $request->{body},
        unanswered => $fault->{cut} || $fault->{slow} ? 1 : 0,
    }) if $request->{service} eq 'hook' && !defined $fault->{status};
    return $self->SUPER::answer($request);
}

1;
