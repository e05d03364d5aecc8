package Endurance;

=head1 NAME

Endurance - rounds of faults over a server whose clients' transitions are known

=head1 SYNOPSIS

    my $result = Endurance->new(seed => 42, tell => sub { print "@_\n" })->run(200);

=head1 DESCRIPTION

Some clients report to one server, which tells a bot. In each round a few of them change, and a
fault strikes: processes are killed, the server is reloaded or stopped, the store or the bot fails.
Somebody asks the bot something, too.
Everything that is left to chance comes from the seed. After each round the API must tell exactly
what the clients did, and at the end the bot the same: see Ledger.

run(ROUNDS) returns the ledger's audit, with the faults of the rounds in front; and per_fault, how
often each struck.

=cut

use strict;
use warnings;

use List::Util qw(shuffle);
use Test::More ();
use Time::HiRes qw(clock_gettime sleep CLOCK_MONOTONIC);

use BotApi;
use Ledger;
use Sentinel;

my $OWN_IP = '198.51.100.7';
my $THRESHOLD = 5;    # seconds
my $BEAT = 0.5;       # seconds between two keepalives of a client
my $CLIENTS_MAX = 12;
my $DEADLINE = 60;    # seconds for anything to settle
my $QUESTIONS = 10;   # a minute; the bot answers twice as many

# What may strike in a round: begin, strike (in the middle of the changes), end; each may be
# missing. calm: nothing is open when it strikes, because it may cost the last second of what was
# reported. quiet: nobody asks anything, because a question goes with the store, or with the monitor
# where there is none.
my %FAULT = (
    'nothing' => {},
    'monitor killed' => { strike => '_kill_monitor' },
    'monitor killed twice' => { strike => '_kill_monitor', end => '_kill_monitor' },
    'children killed' => { strike => '_kill_children' },
    'everything killed' => { strike => '_crash', calm => 1 },
    'graceful' => { strike => '_graceful' },
    'two gracefuls' => { strike => '_graceful_twice' },
    'restart' => { strike => '_restart' },
    'stop and start' => { strike => '_stop_and_start' },
    'store moved away' => { begin => '_move_store', end => '_bring_store_back' },
    'store forbidden' => { begin => '_forbid_store', strike => '_graceful', end => '_allow_store',
        quiet => 1 },
    'store removed' => { begin => '_await_answers', strike => '_remove_store',
        end => '_await_new_store', quiet => 1 },
    'store moved away, monitor killed' =>
        { begin => '_move_store', strike => '_kill_monitor', end => '_bring_store_back',
        quiet => 1 },
    'bot away' => { begin => '_bot_leaves', strike => '_kill_monitor', end => '_bot_comes_back' },
    'bot away, everything killed' =>
        { begin => '_bot_leaves', strike => '_crash', end => '_bot_comes_back', calm => 1 },
    'bot fails' => { begin => '_bot_fails' },
    'bot cuts off' => { begin => '_bot_cuts_off' },
);

sub new {
    my ($class, %option) = @_;
    srand $option{seed};
    my $bot = BotApi->start;
    my $httpd = Sentinel->start(
        conf => $bot->conf . "VPNSentinelServerPublicIP $OWN_IP\n"
            . "VPNSentinelOfflineThreshold $THRESHOLD\n"
    );
    return bless {
        tell => $option{tell},
        bot => $bot,
        httpd => $httpd,
        ledger => Ledger->new,
        clients => [],
        addresses => 0,
        last_beat => 0,
        asked => [],
        archive => {},
        faults => [],
        per_fault => {},
    }, $class;
}

sub run {
    my ($self, $rounds) = @_;
    my @deck;
    $self->_join for 1 .. 4;
    for my $round (1 .. $rounds) {
        @deck = shuffle sort keys %FAULT if !@deck;
        my $fault = shift @deck;
        $self->{per_fault}{$fault}++;
        $self->_round($FAULT{$fault});
        my $open = join '; ', $self->_settle;
        push @{ $self->{faults} }, "round $round, $fault: $open" if $open;
        $self->{tell}->("round $round: $fault" . ($open ? ": $open" : ''));
        last if $open;
    }
    return $self->_finish;
}

sub _round {
    my ($self, $fault) = @_;
    my $call = sub { my $method = $fault->{ $_[0] }; $self->$method if $method };
    my @changes = $self->_draw_changes($fault->{calm});
    my ($strike_at, $ask_at) = map { int rand(@changes + 1) } 1 .. 2;
    $ask_at = -1 if $fault->{quiet};
    $self->_settle if $fault->{calm};
    $call->('begin');
    for my $i (0 .. @changes) {
        $self->_ask if $i == $ask_at;
        $call->('strike') if $i == $strike_at;
        $changes[$i]->() if $changes[$i];
        $self->_pass(rand 0.3);
    }
    $self->_pass(rand 1);
    $call->('end');
}

# Wakes everybody up, lets the bot hear everything, and compares.
sub _finish {
    my ($self) = @_;
    $_->{silent} = 0 for @{ $self->{clients} };
    $self->_pass(1);
    push @{ $self->{faults} }, map { "at the end: $_" } $self->_settle;
    my @events = map { $self->_events($_) } '', map { $_->{id} } @{ $self->{clients} };
    $self->_drain(@events);
    my $result = $self->{ledger}->audit(\@events, [ $self->{bot}->messages ]);
    unshift @{ $result->{faults} }, @{ $self->{faults} };
    $result->{per_fault} = $self->{per_fault};
    $self->{httpd}->stop;
    return $result;
}

# Waits until the bot has told these events and answered, or tells nothing any more.
sub _drain {
    my ($self, @events) = @_;
    my $before = -1;
    while ($self->_wait(sub { $self->{bot}->messages > $before })) {
        last if !$self->{ledger}->untold(\@events, [ $self->{bot}->messages ]);
        $before = $self->{bot}->messages;
    }
}

sub httpd { return $_[0]{httpd} }

# --- clients --------------------------------------------------------------------------------------

sub _join {
    my ($self) = @_;
    my $number = 1 + @{ $self->{clients} };
    my %client = (
        id => "client-$number",
        address => $self->_new_address,
        dns => 'DE',
        ipv6 => 'tunnel',
        up => 1,
        silent => 0,
        seen => 0,
        announced_offline => 0,
    );
    push @{ $self->{clients} }, \%client;
    $self->{ledger}->expect($client{id}, 'connected');
    $self->_report(\%client);
}

# No address is ever used twice, so that no two events have the same words.
sub _new_address {
    my ($self) = @_;
    my $number = $self->{addresses}++;
    return sprintf '203.0.%d.%d', $number / 250, $number % 250 + 1;
}

# What a client may do; each returns the events that it makes.
my @CHANGES = (
    sub {
        my ($self, $client) = @_;
        my $bypassed = $client->{address} eq $OWN_IP;
        $client->{address} = $self->_new_address;
        return ('ip_changed', $bypassed ? 'bypass_over' : ());
    },
    sub {
        my ($self, $client) = @_;
        my $leaks = $client->{dns} eq 'FR';
        $client->{dns} = $leaks ? 'DE' : 'FR';
        return $leaks ? 'dns_leak_over' : 'dns_leak';
    },
    sub {
        my ($self, $client) = @_;
        my $leaks = $client->{ipv6} eq 'leak';
        $client->{ipv6} = $leaks ? 'blocked' : 'leak';
        return $leaks ? 'ipv6_leak_over' : 'ipv6_leak';
    },
    sub {
        my ($self, $client) = @_;
        $client->{up} = !$client->{up};
        return $client->{up} ? 'vpn_reconnected' : 'vpn_disconnected';
    },
    sub {
        my ($self, $client) = @_;
        my $bypasses = $client->{address} eq $OWN_IP;
        $client->{address} = $bypasses ? $self->_new_address : $OWN_IP;
        return ('ip_changed', $bypasses ? 'bypass_over' : 'bypass');
    },
);

# The changes of a round, as functions that make them and return when the server has acknowledged
# them. few: no client has two, and nobody goes or comes.
sub _draw_changes {
    my ($self, $few) = @_;
    my @clients = shuffle @{ $self->{clients} };
    my @changes;
    for my $client (@clients[ 0 .. int rand 2 ]) {
        push @changes, $self->_change_of($client) for 1 .. ($few ? 1 : 1 + int rand 2);
    }
    return @changes if $few;
    push @changes, sub { $self->_join } if @clients < $CLIENTS_MAX && rand() < 0.2;
    push @changes, $self->_sleep_or_wake($clients[-1]) if rand() < 0.4;
    return shuffle @changes;
}

# Never is more than the half of them silent.
sub _sleep_or_wake {
    my ($self, $client) = @_;
    return sub {
        my $silent = grep { $_->{silent} } @{ $self->{clients} };
        $client->{silent} = !$client->{silent} && $silent < @{ $self->{clients} } / 2 - 1;
    };
}

sub _change_of {
    my ($self, $client) = @_;
    my $change = $CHANGES[rand @CHANGES];
    return sub {
        return if $client->{silent};
        $self->_report($client);    # ends a silence before anything else
        $self->{ledger}->expect($client->{id}, $self->$change($client));
        $self->_report($client);
    };
}

# Sends a client's keepalive until the server acknowledges it.
sub _report {
    my ($self, $client) = @_;
    my $returns = $self->_note_silence($client);
    my %body = (
        client_id => $client->{id},
        public_ip => $client->{address},
        location => 'DE',
        dns_loc => $client->{dns},
        ipv6_verdict => $client->{ipv6},
        vpn_connected => $client->{up} ? \1 : \0,
    );
    my $accepted = $self->{httpd}->wait_for(
        sub { ($self->{httpd}->keepalive(\%body))[0] == 200 }, $DEADLINE);
    push @{ $self->{faults} }, "no keepalive of $client->{id} is taken" if !$accepted;
    $self->{ledger}->expect($client->{id}, _words_of_return($client)) if $returns;
    $client->{announced_offline} = 0 if $returns;
    $client->{seen} = clock_gettime(CLOCK_MONOTONIC);
}

# The return of a client whose VPN is down says that, and nothing of a connection.
sub _words_of_return {
    my ($client) = @_;
    return $client->{up} ? 'connected' : 'vpn_disconnected';
}

# Has the server taken this client for offline? It says so itself; then that has to be announced.
sub _note_silence {
    my ($self, $client) = @_;
    return $client->{announced_offline}
        if !$client->{seen} || clock_gettime(CLOCK_MONOTONIC) < $client->{seen} + $THRESHOLD - 1;
    my $known = $self->{httpd}->client($client->{id});
    if ($known && $known->{status} eq 'offline' && !$client->{announced_offline}) {
        $client->{announced_offline} = 1;
        $self->{ledger}->expect($client->{id}, 'offline');
    }
    return $client->{announced_offline};
}

# Asks the bot something, unless it was asked often enough.
sub _ask {
    my ($self) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    $self->{asked} = [ grep { $_ > $now - 60 } @{ $self->{asked} } ];
    return if @{ $self->{asked} } >= $QUESTIONS;
    push @{ $self->{asked} }, $now;
    $self->{ledger}->asks($self->{bot}->say('/ping'));
}

# --- time -----------------------------------------------------------------------------------------

# Lets the clients that are not silent report if it is time.
sub _beat {
    my ($self) = @_;
    my $now = clock_gettime(CLOCK_MONOTONIC);
    return if $now < $self->{last_beat} + $BEAT;
    $self->_report($_) for grep { !$_->{silent} } @{ $self->{clients} };
    $self->{last_beat} = $now;
}

sub _pass {
    my ($self, $seconds) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $seconds;
    do {
        $self->_beat;
        sleep 0.02;
    } while (clock_gettime(CLOCK_MONOTONIC) < $end);
}

# Waits for a condition while the clients go on.
sub _wait {
    my ($self, $condition) = @_;
    my $end = clock_gettime(CLOCK_MONOTONIC) + $DEADLINE;
    until ($condition->()) {
        return 0 if clock_gettime(CLOCK_MONOTONIC) > $end;
        $self->_pass(0.1);
    }
    return 1;
}

# The events of a client, "" for the server itself: what the API tells, behind what it told when a
# store was taken away.
sub _events {
    my ($self, $id) = @_;
    my $query = $id eq '' ? '?limit=1000' : "?limit=1000&client=$id";
    my (undef, $list) = $self->{httpd}->api('GET', "/events$query");
    my @events = grep { ($_->{client_id} // '') eq $id } reverse @{ $list->{events} // [] };
    my @archived = @{ $self->{archive}{$id} // [] };
    my %archived = map { $_->{message} => 1 } @archived;
    return (@archived, grep { !$archived{ $_->{message} } } @events);
}

# Waits until all that happened is announced; returns what is not, or too often.
sub _settle {
    my ($self) = @_;
    my @open;
    $self->_wait(sub {
        $self->_note_silence($_) for grep { $_->{silent} } @{ $self->{clients} };
        @open = $self->{ledger}->open_accounts(sub { map { $_->{event} } $self->_events($_[0]) });
        return !@open;
    });
    return @open;
}

# --- faults ---------------------------------------------------------------------------------------

sub _kill_monitor {
    my ($self) = @_;
    kill 'KILL', $self->{httpd}->monitors;
    $self->{ledger}->monitor_ends;
}

sub _kill_children {
    my ($self) = @_;
    kill 'KILL', $self->{httpd}->children;
}

sub _crash {
    my ($self) = @_;
    $self->{httpd}->crash;
    $self->{ledger}->monitor_ends;
    $self->{httpd}->start_again;
    $self->_await_store;
}

# What was on its way when the end began may have been taken until it was over.
sub _end_monitor {
    my ($self, $way) = @_;
    $self->{ledger}->monitor_ends;
    $way->();
    $self->{ledger}->monitor_ends;
}

sub _graceful {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->graceful });
}

sub _graceful_twice {
    my ($self) = @_;
    $self->{ledger}->monitor_ends;
    kill 'USR1', $self->{httpd}->pid;
    $self->_graceful;
}

sub _restart {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->restart });
}

sub _stop_and_start {
    my ($self) = @_;
    $self->_end_monitor(sub { $self->{httpd}->stop });
    $self->{httpd}->start_again;
}

sub _folder {
    my ($self) = @_;
    return $self->{httpd}->root . '/state';
}

# So that it has the store open when that goes.
sub _await_monitor {
    my ($self) = @_;
    my $is_there = sub {
        my (undef, $status) = $self->{httpd}->api('GET', '/status');
        return $self->{httpd}->monitors == 1 && $status && $status->{monitor}{running};
    };
    push @{ $self->{faults} }, 'there is no monitor' if !$self->_wait($is_there);
}

sub _move_store {
    my ($self) = @_;
    $self->_await_monitor;
    $self->{ledger}->store_goes;
    rename $self->_folder, $self->_folder . '.away' or die "rename: $!";
}

sub _bring_store_back {
    my ($self) = @_;
    rename $self->_folder . '.away', $self->_folder or die "rename: $!";
    $self->_await_store;
    $self->{ledger}->store_is_back;
}

sub _forbid_store {
    my ($self) = @_;
    $self->_await_monitor;
    $self->{ledger}->store_goes;
    chmod 0, $self->_folder;
}

sub _allow_store {
    my ($self) = @_;
    chmod 0700, $self->_folder;
    $self->_await_store;
    $self->{ledger}->store_is_back;
}

sub _await_answers {
    my ($self) = @_;
    $self->_wait(sub { !$self->{ledger}->unanswered([ $self->{bot}->replies ]) });
}

sub _remove_store {
    my ($self) = @_;
    $self->{archive}{$_} = [ $self->_events($_) ] for '', map { $_->{id} } @{ $self->{clients} };
    unlink glob $self->_folder . '/*';
}

# Until what happened is on the disk again.
sub _await_store {
    my ($self) = @_;
    my $is_back = sub {
        my (undef, $status) = $self->{httpd}->api('GET', '/status');
        return $status && $status->{store}{state} eq 'ok' && -e $self->_folder . '/vpnsentinel.db';
    };
    push @{ $self->{faults} }, 'the store does not come back' if !$self->_wait($is_back);
}

# The monitor looks after its file every few seconds, and has no other sign of it.
sub _await_new_store {
    my ($self) = @_;
    $self->_await_store;
    $self->_settle;
}

sub _bot_leaves {
    my ($self) = @_;
    $self->{bot}->leave;
}

sub _bot_comes_back {
    my ($self) = @_;
    $self->{bot}->come_back;
}

sub _bot_fails {
    my ($self) = @_;
    my @way = (
        sub { $self->{bot}->fail(429, retry_after => 1, times => 1) },
        sub { $self->{bot}->fail(500, times => 2) },
        sub { $self->{bot}->fail(500, method => 'getUpdates', times => 2) },
        map {
            my ($method, $fault) = @$_;
            sub { $self->{bot}->misbehave($method => { $fault => 1, times => 2 }) }
        } map { ([ sendMessage => $_ ], [ getUpdates => $_ ]) } qw(garbage drop),
    );
    $way[rand @way]->();
}

sub _bot_cuts_off {
    my ($self) = @_;
    $self->{bot}->misbehave($_ => { cut => 1, times => 1 }) for qw(sendMessage getUpdates);
}

1;
