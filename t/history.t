# The lights that a client had, a cell for each quarter of an hour: noted when they change, whoever dies.
use strict;
use warnings;

use File::Copy qw(copy);
use Test::More;

use Sentinel;

my $SQLITE = `sqlite3 --version 2>/dev/null` ? 'sqlite3' : undef;
plan skip_all => 'sqlite3 is not there' if !$SQLITE;

my $QUARTER = 900;
my $PATIENT = "VPNSentinelOfflineThreshold 3600\n";
my $HASTY = "VPNSentinelOfflineThreshold 2\n";
my %GOOD = (client_id => 'office', public_ip => '203.0.113.1', location => 'RO', dns_loc => 'RO', vpn_connected => \1);
my %LEAK = (%GOOD, dns_loc => 'FR');
my %DOWN = (%GOOD, vpn_connected => \0);

# The wall clock stands shortly behind the start of a quarter, so that only the test leads to the next; and
# of the quarter before it the server, which may have begun to live in that of now, knows nothing.
sub start {
    my (%more) = @_;
    my $httpd = Sentinel->start(clock => 1, %more);
    $httpd->wait_for(sub { $httpd->events });  # the first look is over: none is under way at the step
    $httpd->{step} = 2 * $QUARTER - time % $QUARTER + 5;
    $httpd->step_clock($httpd->{step});
    return $httpd;
}

# So many quarters of an hour pass.
sub let_pass {
    my ($httpd, $quarters) = @_;
    $httpd->{step} += $quarters * $QUARTER;
    $httpd->step_clock($httpd->{step});
}

# Of a copy: the monitor alone may open the store.
sub select_one {
    my ($httpd, $statement) = @_;
    my $copy = $httpd->root . '/copy.db';
    for my $behind ('', '-wal') {
        my $file = $httpd->root . "/state/vpnsentinel.db$behind";
        unlink "$copy$behind";
        copy($file, "$copy$behind") if -e $file;
    }
    my $answer = `$SQLITE '$copy' "$statement" 2>/dev/null`;
    chomp $answer;
    return $answer;
}

# The stored lights of the last quarters up to now, a digit each (green, yellow, grey, red): the cells,
# and behind a space what lasts.
sub history {
    my ($httpd, $cells) = @_;
    my ($newest, $light, $history) = split / /, select_one($httpd,
        q{SELECT history FROM announced JOIN clients USING (uid) WHERE client_id = 'office'});
    return 'none' if !defined $history || length $history != 96;
    my $missing = int((time + $httpd->{step}) / $QUARTER) - $newest;
    return 'of another time' if $missing < 0 || $missing > 96;
    return substr($history . $light x $missing, -$cells) . " $light";
}

sub is_history {
    my ($httpd, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($cells) = $expected =~ /\A(\d+)/;
    my $found;  # the copy of a store that is being written may be none
    $httpd->wait_for(sub { ($found = history($httpd, length $cells)) eq $expected });
    is($found, $expected, $name);
}

# In which of the last quarters no monitor lived: 1.
sub is_gaps {
    my ($httpd, $expected, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my $found;
    $httpd->wait_for(sub {
        my ($newest, $gaps) = split / /, select_one($httpd, q{SELECT value FROM settings WHERE name = 'gaps'});
        return ($found = substr($gaps // '', -length $expected)) eq $expected;
    });
    is($found, $expected, $name);
}

sub reconfigure {
    my ($httpd, $from, $to) = @_;
    $httpd->write_file('httpd.conf', $httpd->read_file('httpd.conf') =~ s/\Q$from\E/$to/r);
    $httpd->graceful;
}

subtest 'the lights of a client' => sub {
    my $httpd = start(conf => $PATIENT);
    $httpd->keepalive({%GOOD});
    is_history($httpd, '20 0', 'green, and before nothing');
    let_pass($httpd, 1);
    $httpd->keepalive({%LEAK});
    is_history($httpd, '201 1', 'yellow');
    let_pass($httpd, 1);
    $httpd->keepalive({%DOWN});
    is_history($httpd, '2013 3', 'red');
    $httpd->keepalive({%GOOD});
    is_history($httpd, '2013 0', 'the worst of a quarter stays');
    let_pass($httpd, 2);
    $httpd->keepalive({%LEAK});
    is_history($httpd, '201301 1', 'and what lasts, lasts');
    let_pass($httpd, 1);
    reconfigure($httpd, $PATIENT, $HASTY);
    $httpd->is_announced('office', 'connected dns_leak dns_leak_over vpn_disconnected vpn_reconnected dns_leak offline', 'it goes quiet');
    is_history($httpd, '2013012 2', 'grey');
    $httpd->stop;
    $httpd->check_error_log;
};

# Who dies, and how the server comes to live again; in how many quarters it did not.
my @ways = (
    [ 'stop and start', 3, sub { my ($httpd, $meanwhile) = @_; $httpd->stop; $meanwhile->(); $httpd->start_again } ],
    [ 'death of all', 2, sub { my ($httpd, $meanwhile) = @_; $httpd->crash; $meanwhile->(); $httpd->start_again } ],
    [ 'graceful', 0, sub { my ($httpd, $meanwhile) = @_; $httpd->graceful; $meanwhile->() } ],
    [ 'death of the monitor', 0, sub {
        my ($httpd, $meanwhile) = @_;
        my $monitor = $httpd->wait_for_monitor;
        kill 'KILL', $monitor;
        $httpd->wait_for_monitor($monitor);
        $meanwhile->();
    } ],
);

subtest 'whoever dies' => sub {
    my $httpd = start(conf => $PATIENT);
    my ($history, $gaps) = ('20', '10');
    $httpd->keepalive({%GOOD});
    is_history($httpd, "$history 0", 'a client');
    is_gaps($httpd, $gaps, '... nobody lived before');
    for my $way (@ways) {
        my ($name, $away, $die) = @$way;
        let_pass($httpd, 1);
        $httpd->keepalive({%LEAK});
        is_history($httpd, ($history .= '1') . ' 1', "$name: a leak before");
        is_gaps($httpd, $gaps .= '0', '... and the server lived');
        $die->($httpd, sub { let_pass($httpd, 1 + $away) });
        $httpd->wait_for(sub { $httpd->client('office') });
        $httpd->keepalive({%GOOD});
        is_history($httpd, ($history .= '1' x (1 + $away)) . ' 0', '... and after it the leak is over');
        is_gaps($httpd, $gaps .= '1' x $away . '0', '... and where nobody lived is a gap');
    }
    $httpd->stop;
    $httpd->check_error_log(allow => [qr/VPNS\d+: the monitor/]);
};

done_testing;
