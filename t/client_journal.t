# What changed while the server could not be reached is told when it can be.
use strict;
use warnings;
use utf8;

use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Time::Local qw(timegm);

use ClientDaemon;
use ClientWorld;
use StandIn;

my ($HOME, $AWAY) = qw(198.51.100.7 203.0.113.9);

sub seconds {
    my ($time) = @_;
    my @part = $time =~ /\A(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z\z/ or return;
    return timegm(@part[ 5, 4, 3, 2 ], $part[1] - 1, $part[0]);
}

sub start {
    my ($world, $folder) = @_;
    my %more = (VPN_SENTINEL_RUN_DIR => $folder, VPN_SENTINEL_HEALTH_SCRIPT => '/bin/true');
    my $client = ClientDaemon->start(preload => ['clockstep'], env => environment($world, %more));
    ok($client->wait_for_log(qr/started/), 'started');
    return $client;
}

# "FIELD VALUE AGE" of all that a report's journal tells, the age in whole hours.
sub journal {
    my ($body) = @_;
    my $now = seconds($body->{timestamp});
    return map { join ' ', $_->{field}, $_->{value} // 'null', int(($now - seconds($_->{at})) / 3600 + 0.5) }
        @{ $body->{journal} // [] };
}

# Has a report told just this? The daemon also tries again by itself.
sub is_told {
    my ($world, @journal) = @_;
    my @body = map { JSON::PP->new->utf8->decode($_->{body}) } $world->requests('keepalive');
    return scalar grep { join(', ', journal($_)) eq join(', ', @journal) } @body;
}

# The exit is another one after so many seconds of suspend; whichever round sees it first, tells it.
sub moves {
    my ($client, $world, $suspended, $address) = @_;
    $client->suspend($suspended);
    $world->address($address);
    $client->signal('USR1');
    ok($client->wait_for(sub { last_body($world)->{public_ip} eq $address }), "at $address after $suspended s");
    return;
}

sub away { $_[0]->misbehave(keepalive => { status => 503 }) }
sub back { $_[0]->misbehave('keepalive') }

subtest 'the server is away' => sub {
    my $world = StandIn->start;
    my $folder = tempdir('client-journal-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $client = start($world, $folder);
    wait_for_requests($client, $world, 'keepalive', 1);
    ok(!exists last_body($world)->{journal}, 'the first report tells of itself only');

    away($world);
    moves($client, $world, 3600, $AWAY);
    moves($client, $world, 7200, $HOME);
    ok($client->wait_for(sub { -s "$folder/journal" }), 'there is a copy of it');
    $client->suspend(10_800);
    another_round($client, $world);
    back($world);
    another_round($client, $world);
    ok(is_told($world, "public_ip $AWAY 2", "public_ip $HOME 1"), 'all of it is told, with its times');
    ok($client->wait_for(sub { !-e "$folder/journal" }), 'until the server has it');
    is_deeply([journal(another_round($client, $world))], [], '... and not told again');
    is($client->end, 0);
};

subtest 'the daemon is killed meanwhile' => sub {
    my $world = StandIn->start;
    my $folder = tempdir('client-journal-XXXXXX', TMPDIR => 1, CLEANUP => 1);
    my $client = start($world, $folder);
    wait_for_requests($client, $world, 'keepalive', 1);
    away($world);
    $world->address($AWAY);
    another_round($client, $world);
    $client->wait_for(sub { -s "$folder/journal" });
    $client->signal('KILL');
    $client->wait_exit;
    my $reports = count($world, 'keepalive');
    $world->address($HOME);
    back($world);
    $client = start($world, $folder);
    wait_for_requests($client, $world, 'keepalive', $reports + 1);
    is_deeply([journal(last_body($world))], ["public_ip $AWAY 0"], 'the next one tells of it');
    is($client->end, 0);
};

done_testing;
