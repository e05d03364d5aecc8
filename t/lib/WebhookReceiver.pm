package WebhookReceiver;

=head1 NAME

WebhookReceiver - plays the receiver of a webhook, well-behaved or not

=head1 SYNOPSIS

    my $receiver = WebhookReceiver->start;
    my $httpd = Sentinel->start(conf => $receiver->conf, files => $receiver->files);
    ok($httpd->wait_for(sub { $receiver->events == 2 }));

=head1 DESCRIPTION

A LocalServer (see there). The path that it is configured under is a secret, what else it is asked for is
the service "none".

=head2 conf, files

Lines of the configuration, and the file of the secret that they name. start(secret => undef): none is
named; start(secret => TEXT): this one, else a "whsec_".

=head2 fail(FAULT)

How it answers from now on, as of misbehave().

=head2 messages, events

messages() is each request, oldest first: a hash of id, time (the timestamp that it was signed with), event
(decoded body), is_signed (the signature is right; undef without one) and came (when). events() is the same
without the repeats of an id.

=head2 is_told(SENTINEL, COUNT, NAME)

Tests that there are so many events, as the API has them, and that they are here by now or soon, in order of
recording. Returns the messages.

=cut

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_base64);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64);
use Test::More ();

use parent 'LocalServer';

our $TOKEN = 't0ken-in-the-path';
our $KEY = 'qu3ry-k3y';

my $SECRET = 'whsec_' . encode_base64('0123456789abcdef01234567', '');

sub new {
    my ($class, %option) = @_;
    return $class->SUPER::new(secret => $SECRET, %option);
}

sub secret_name {
    my ($self) = @_;
    return "secret-$self->{port}";
}

sub conf {
    my ($self) = @_;
    my $file = defined $self->{secret} ? ' ' . $self->secret_name : '';
    return sprintf "VPNSentinelWebhook \"%s/%s?key=%s\"%s\n", $self->url, $TOKEN, $KEY, $file;
}

sub files {
    my ($self) = @_;
    return defined $self->{secret} ? { $self->secret_name => "# of the test\n$self->{secret}\n" } : {};
}

sub fail {
    my ($self, %fault) = @_;
    return $self->misbehave(hook => \%fault);
}

sub messages {
    my ($self) = @_;
    return map { $self->_message($_) } $self->requests('hook');
}

sub _message {
    my ($self, $request) = @_;
    my ($id, $time, $signature) = map { $request->{header}{"webhook-$_"} } qw(id timestamp signature);
    return {
        id => $id,
        time => $time,
        event => JSON::PP->new->utf8->decode($request->{body}),
        is_signed => defined $signature ? $signature eq $self->signature("$id.$time.$request->{body}") : undef,
        came => $request->{time},
        type => $request->{header}{'content-type'},
    };
}

# As a receiver makes it.
sub signature {
    my ($self, $text) = @_;
    my $secret = $self->{secret} // return '';
    my $key = $secret =~ /\Awhsec_(.*)/ ? decode_base64($1) : $secret;
    my $digest = hmac_sha256_base64($text, $key);
    return 'v1,' . $digest . '=' x (-length($digest) % 4);
}

sub events {
    my ($self) = @_;
    my %seen;
    return grep { !$seen{ $_->{id} }++ } $self->messages;
}

sub is_told {
    my ($self, $sentinel, $count, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    $sentinel->wait_for(sub { $self->events >= $count });
    my @expected = map { $_->{id} } $sentinel->events;
    my @told = map { $_->{event}{id} } $self->events;
    Test::More::is(scalar(@expected), $count, "$name: $count events");
    Test::More::is("@told", "@expected", '... each is told, in order');
    return $self->messages;
}

# --- the forked process --------------------------------------------------------------------------

sub service {
    my (undef, $request) = @_;
    return $request->{path} eq "/$TOKEN?key=$KEY" && $request->{method} eq 'POST' ? 'hook' : 'none';
}

sub answer {
    my (undef, $request) = @_;
    return $request->{service} eq 'hook' ? (200, {}, '{}') : (404, {}, '');
}

1;
