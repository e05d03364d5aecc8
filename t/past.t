# What a keepalive tells of the time in which the server could not be reached.
use strict;
use warnings;

use POSIX qw(strftime);
use Test::More;

use Sentinel;

my $HOUR = 3600;
my %GOOD = (client_id => 'office', public_ip => '203.0.113.1', location => 'RO', dns_loc => 'RO', vpn_connected => \1);

sub at { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# The wall clock is an hour further on; returns it.
sub start {
    my (%more) = @_;
    my $httpd = Sentinel->start(clock => 1, %more);
    $httpd->keepalive({%GOOD});
    $httpd->is_announced('office', 'connected', 'it is known');
    $httpd->step_clock($HOUR);
    return ($httpd, time + $HOUR);
}

# "EVENT SECONDS" of a client's events but the first, so many seconds before a time.
sub told {
    my ($httpd, $now) = @_;
    my %ago = map { at($now - $_) => $_ } -60 .. 2 * $HOUR;
    my (undef, @event) = $httpd->events('office');
    return map { "$_->{event} " . ($ago{ $_->{time} } // "at $_->{time}") } @event;
}

sub journal {
    my ($now, @change) = @_;
    return [ map { { at => at($now - $_->[0]), field => $_->[1], value => $_->[2] } } @change ];
}

subtest 'a leak that nobody could be told of' => sub {
    for my $clock (0, -7 * $HOUR) {
        my ($httpd, $now) = start();
        my $theirs = $now + $clock;
        my ($status) = $httpd->keepalive({ %GOOD, timestamp => at($theirs),
            journal => journal($theirs, [ 1800, dns_loc => 'FR' ], [ 600, dns_loc => 'RO' ]) });
        is($status, 200, "its clock is $clock seconds off");
        $httpd->is_announced('office', 'connected dns_leak dns_leak_over', 'begin and end are told');
        my @said = map { /\A(\w+) (\d+)\z/ ? [ $1, $2 ] : [$_] } told($httpd, $now);
        is_deeply([ map { $_->[0] } @said ], [qw(dns_leak dns_leak_over)], '... in their order');
        cmp_ok(abs($said[0][1] - 1800), '<=', 20, '... since it began');
        is($said[0][1] - $said[1][1], 1200, '... for as long as it was');
        my $over = ($httpd->events('office'))[-1];
        is($over->{seconds}, 1200, '... which is told');
        # With the date when that is another day.
        like($over->{message}, qr/^Lasted: 20 min, from (?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/m,
            '... and from when');
        is_deeply($httpd->client('office')->{conditions}, [], 'now all is well');
        $httpd->stop;
        $httpd->check_error_log;
    }
};

subtest 'told again' => sub {
    my ($httpd, $now) = start();
    my @report = { %GOOD, timestamp => at($now),
        journal => journal($now, [ 1800, vpn_connected => \0 ], [ 600, vpn_connected => \1 ]) };
    $httpd->keepalive(@report) for 1 .. 3;    # it has not heard of our answers
    $httpd->is_announced('office', 'connected vpn_disconnected vpn_reconnected', 'once');
    is(($httpd->events('office'))[-1]{seconds}, 1200, '... with the length of the outage');
    $httpd->stop;
    $httpd->check_error_log;
};

subtest 'a bad journal' => sub {
    my ($httpd, $now) = start();
    my ($status, $body) = $httpd->keepalive({ %GOOD, public_ip => '203.0.113.2',
        journal => journal($now, [ 1800, dns_loc => 'FR' ], [ 600, vpn_connected => 'no' ]) });
    is($status, 400, 'is refused');
    like($body->{message}, qr/\Ajournal /, '... by its name');
    is($httpd->client('office')->{public_ip}, '203.0.113.1', 'nothing has changed');
    $httpd->stop;
    $httpd->check_error_log;
};

done_testing;
