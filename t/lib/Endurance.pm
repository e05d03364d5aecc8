package Endurance;

=head1 NAME

Endurance - rounds of faults over a server whose clients' transitions are known

=head1 SYNOPSIS

    Endurance->own_mounts;
    my $result = Endurance->new(seed => 42, tell => sub { print "@_\n" })->run(200);

=head1 DESCRIPTION

Some clients (Endurance::Fleet) report to one server, which tells a bot and two webhooks. In each round
a few of them change, and a fault strikes (Endurance::Faults): processes are killed, the server is
reloaded or stopped, the clock steps, the disk is full, the store, the bot or a webhook fails. Somebody
asks the bot something, too. Beside that, processes of their own send keepalives all the time
(Endurance::Load).

Everything that is left to chance comes from the seed; what a round draws, from seed and number of the
round alone. After each round

    the API must tell exactly what the clients did,
    each acknowledged keepalive of the load must be counted, each connection have had its answer,
        each answer be 200: but for what the fault is known to cost,
    every invariant of the registry must hold,

and at the end, when all have fallen silent, bot and webhooks must have been told the same as the API
(Ledger), and nothing that the server holds have grown (Endurance::Growth).

=head2 own_mounts

Makes the test begin anew in a view of its own of the file system, where it can be: the disk fills up
there only. Call it first.

=head2 new(seed, tell, only)

only => TEXT: only the faults that have it in their name.

=head2 run(ROUNDS)

Stops at the first fault of a round. Returns a hash: faults, a list of sentences, which should be
empty; per_fault, how often each struck; events, messages, hooked: how many there were, of the API, by
the bot, and by the webhooks together; doubled, hook_doubled: how many of these came again, with
reasons and hook_reasons for that, each a hash of numbers; reordered; load, a hash of numbers, as
Endurance::Load has them, and forgotten; reloads; full, how often the store failed for want of room;
growth, as Endurance::Growth has it.

=cut

use strict;
use warnings;

use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use List::Util qw(shuffle sum0);
use Time::HiRes qw(time);

use BotApi;
use Endurance::Growth;
use Endurance::Hook;
use Endurance::Load;
use Ledger;
use Sentinel;

use parent qw(Endurance::Fleet Endurance::Faults);

my $LOADS = 3;              # processes
my $QUESTIONS = 10;         # a minute; the bot answers twice as many
my $DISK = '16m';
my $RETENTION = 6 * 3600;   # seconds, of a clock that steps

my $MODULE = ($ENV{VPS_BUILDDIR} // '.') . '/t/.libs/mod_vpnsentinel_hooks.so';

sub own_mounts {
    return if $ENV{VPS_OWN_MOUNTS}++ || !VpsHttpd->can_mount;
    exec 'unshare', '--mount', $^X, (map { "-I$_" } @INC), $0, @ARGV or die "unshare: $!";
}

sub new {
    my ($class, %option) = @_;
    my $self = bless {
        %option,
        bot => BotApi->start,
        hooks => [ map { Endurance::Hook->start } 1 .. 2 ],
        ledger => Ledger->new,
        clients => [],
        guests => [],
        addresses => 0,
        last_beat => 0,
        asked => [],
        archive => {},
        faults => [],
        per_fault => {},
        step => 0,
        steps => 0,
        reloads => 0,
        all_reloads => 0,
        full => 0,
    }, $class;
    $self->_make_disk;
    my ($bot, @hook) = ($self->{bot}, @{ $self->{hooks} });
    $ENV{VPS_TEST_TOLD} = 1;    # each message says which events it is about: see Tellings
    $self->{httpd} = Sentinel->start(
        conf => join('', map { $_->conf } $bot, @hook)
            . "VPNSentinelServerPublicIP $Endurance::Fleet::OWN_IP\n"
            . "VPNSentinelOfflineThreshold $Endurance::Fleet::THRESHOLD\n"
            . "VPNSentinelEventRetention $RETENTION\nVPNSentinelForgetAfter 0\n"
            . "VPNSentinelStateDir '$self->{state}'\n",
        files => { map { %{ $_->files } } @hook },
        module => $MODULE,
        clock => 1,
    );
    $self->{born} = time;
    $self->{growth} = Endurance::Growth->new($self->{httpd}, $self->{state});
    return $self;
}

sub httpd { return $_[0]{httpd} }

sub has_disk { return $_[0]{mounted} }

# A folder that the store is in, on a small disk of its own where that can be.
sub _make_disk {
    my ($self) = @_;
    my $disk = $self->{disk} = tempdir('vpnsentinel-XXXXXX', TMPDIR => 1);
    $self->{owner} = $$;
    chmod 0755, $disk;
    $self->{mounted} = $ENV{VPS_OWN_MOUNTS} && VpsHttpd->can_mount
        && system('mount', '-t', 'tmpfs', '-o', "size=$DISK,mode=0755", 'none', $disk) == 0;
    $self->{state} = "$disk/state";
    mkdir $self->{state} or die "state: $!";
    chown +(getpwnam('www-data'))[ 2, 3 ], $self->{state} if $> == 0;
}

sub DESTROY {
    my ($self) = @_;
    return if $$ != ($self->{owner} // 0);
    local ($?, $!, $@);
    $_->stop for @{ $self->{loads} // [] };
    $self->{httpd}->stop if $self->{httpd};
    system 'umount', '--lazy', $self->{disk} if $self->{mounted};
    remove_tree($self->{disk});
}

# --- rounds ---------------------------------------------------------------------------------------

sub run {
    my ($self, $rounds) = @_;
    $self->_draw(0);
    $self->join_fleet for 1 .. 4;
    $self->_start_load;
    for my $round (1 .. $rounds) {
        my $name = $self->_draw_fault($round);
        $self->{per_fault}{$name}++;
        $self->{now} = $self->fault($name);
        $self->_draw($round);
        $self->_round($self->{now});
        my @wrong = $self->_examine;
        $self->{tell}->("round $round: $name" . (@wrong ? ': ' . join '; ', @wrong : ''));
        push @{ $self->{faults} }, map { "round $round, $name: $_" } @wrong;
        last if @{ $self->{faults} };
        $self->archive;
        $self->{growth}->look($self->{reloads});
    }
    return $self->_finish;
}

# All of a round comes from here, so that it is the same whatever the ones before did.
sub _draw {
    my ($self, $round) = @_;
    srand(($self->{seed} * 100_003 + $round) % 2**32);
}

# All faults once, in any order; then again.
sub _draw_fault {
    my ($self, $round) = @_;
    if (!@{ $self->{deck} // [] }) {
        $self->_draw(-$round);
        $self->{deck} = [ shuffle grep { index($_, $self->{only} // '') >= 0 } $self->names ];
        die "there is no fault with '$self->{only}' in its name\n" if !@{ $self->{deck} };
    }
    return shift @{ $self->{deck} };
}

sub _round {
    my ($self, $fault) = @_;
    my $call = sub { my $method = $fault->{ $_[0] }; $self->$method if $method };
    my @changes = $self->draw_changes(@$fault{qw(calm awake)});
    my ($strike_at, $ask_at) = map { int rand(@changes + 1) } 1 .. 2;
    $ask_at = -1 if $fault->{quiet};
    if ($fault->{awake}) {
        $_->{silent} = 0 for @{ $self->{clients} };
        $self->report($_) for @{ $self->{clients} };
    }
    $self->settle if $fault->{calm} || $fault->{awake};
    $call->('begin');
    for my $i (0 .. @changes) {
        $self->_ask if $i == $ask_at;
        $call->('strike') if $i == $strike_at;
        $changes[$i]->() if $changes[$i];
        $self->pass(rand 0.3);
    }
    $self->pass(rand 1);
    $call->('end');
}

# What is wrong after a round.
sub _examine {
    my ($self) = @_;
    my @wrong = (splice(@{ $self->{blamed} }), $self->settle, $self->_check_load, $self->_check_registry);
    my @zombies = $self->{httpd}->zombies;
    $self->{httpd}->wait_for(sub { !(@zombies = $self->{httpd}->zombies) }) if @zombies;
    push @wrong, "zombies: @zombies" if @zombies;
    return @wrong;
}

# Something is wrong in this round.
sub blame {
    my ($self, $words) = @_;
    push @{ $self->{blamed} }, $words;
    return;
}

# Wakes everybody up, lets all be told everything, and compares.
sub _finish {
    my ($self) = @_;
    $self->{now} = {};
    $_->{silent} = 0 for @{ $self->{clients} };
    $self->pass(1);
    push @{ $self->{faults} }, map { "at the end: $_" } $self->_examine;
    $self->_fall_silent;
    my ($events, $bot, @hook) = $self->_drain;
    $self->{httpd}->stop;
    my %result = (%{ $self->{ledger}->audit($events, $bot) }, $self->_audit_hooks($events, @hook));
    my @growth = $self->{growth}->verdicts;
    $result{faults} = [ @{ $self->{faults} }, @{ $result{faults} }, @{ delete $result{hook_faults} },
        grep({ defined } map { $_->{fault} } @growth) ];
    push @{ $result{faults} }, $self->_check_end;
    return { %result, growth => \@growth, load => $self->{load},
        map { $_ => $self->{$_} } qw(per_fault all_reloads full steps) };
}

sub _audit_hooks {
    my ($self, $events, @hook) = @_;
    my %sum = (hooked => 0, hook_doubled => 0, hook_reasons => {}, hook_faults => []);
    for my $taken (@hook) {
        my $result = $self->{ledger}->audit_hook($events, $taken);
        push @{ $sum{hook_faults} }, @{ $result->{faults} };
        $sum{hooked} += $result->{messages};
        $sum{hook_doubled} += $result->{doubled};
        $sum{hook_reasons}{$_} += $result->{reasons}{$_} for keys %{ $result->{reasons} };
    }
    return %sum;
}

# Nobody reports any more, and all are offline: then nothing more happens, however long it takes to look.
sub _fall_silent {
    my ($self) = @_;
    $_->stop for @{ $self->{loads} };
    $_->{silent} = 1 for @{ $self->{clients} };
    my $is_silent = sub {
        my (undef, $status) = $self->{httpd}->api('GET', '/status');
        return $status && $status->{clients}{online} == 0;
    };
    push @{ $self->{faults} }, 'at the end: not all go offline' if !$self->await($is_silent);
}

# Waits until all have been told all events and answered, or are told nothing any more. Returns the events,
# what the bot was told, and each webhook.
sub _drain {
    my ($self) = @_;
    my ($before, @events, @told) = (-1);
    while ($self->await(sub { $self->_told > $before })) {
        $before = $self->_told;
        @told = ([ $self->{bot}->messages ], map { [ $_->taken ] } @{ $self->{hooks} });
        $self->settle;
        $self->archive;
        @events = map { @{ $self->{archive}{$_} } } $self->_ids;
        my ($bot, @hook) = @told;
        last if !$self->{ledger}->untold(\@events, $bot)
            && !grep { $self->{ledger}->unhooked(\@events, $_) } @hook;
    }
    return (\@events, @told);
}

# How much they have been told.
sub _told {
    my ($self) = @_;
    return sum0(scalar($self->{bot}->messages), map { scalar $_->requests('taken') } @{ $self->{hooks} });
}

# Of what httpd has left behind.
sub _check_end {
    my ($self) = @_;
    my @odd = grep { /exit signal (?!Killed)|VPNS0099|AddressSanitizer|runtime error:/ }
        split /^/, $self->{httpd}->error_log;
    my $check = `sqlite3 '$self->{state}/vpnsentinel.db' 'PRAGMA integrity_check' 2>&1`;
    push @odd, "the store: $check" if $? == 0 && $check ne "ok\n";
    return @odd;
}

# --- the load -------------------------------------------------------------------------------------

sub _start_load {
    my ($self) = @_;
    $self->{load} = { map { $_ => 0 } qw(started taken refused cut stuck other gaps forgotten) };
    $self->{loads} = [ map { $self->_start_one_load($_) } 1 .. $LOADS ];
    for my $load (@{ $self->{loads} }) {
        $self->{seen}{ $load->id } = { %{ $load->pause }, counted => 0 };
        $load->go_on;
        $self->await(sub { $self->_events($load->id) }) or $self->blame($load->id . ' is not known');
    }
    $self->_check_load;
}

sub _start_one_load {
    my ($self, $number) = @_;
    my $id = "load-$number";
    my $body = qq({"client_id":"$id","public_ip":"203.0.113.$number","location":"DE","dns_loc":"DE",)
        . '"vpn_connected":true}';
    my $request = $self->{httpd}->request_text('POST', '/keepalive', $body, 'Connection: close');
    return Endurance::Load->start(httpd => $self->{httpd}, id => $id, request => $request,
        seed => $self->{seed} + $number, gap => $Endurance::Fleet::THRESHOLD - 1);
}

# Returns what became of keepalives that should not.
sub _check_load {
    my ($self) = @_;
    my %told = map { $_->id => $_->pause } @{ $self->{loads} };
    my %counted = map { $_ => ($self->{httpd}->client($_) // {})->{keepalives} // 0 } keys %told;
    $_->go_on for @{ $self->{loads} };
    return map { $self->_check_one_load($_, { %{ $told{$_} }, counted => $counted{$_} }) } sort keys %told;
}

sub _check_one_load {
    my ($self, $id, $now) = @_;
    my ($fault, $before) = ($self->{now} // {}, $self->{seen}{$id});
    my %new = map { $_ => $now->{$_} - $before->{$_} } grep { $_ ne 'last' } keys %$now;
    my $unanswered = $new{started} - $new{taken} - $new{refused};
    my @wrong;
    push @wrong, "$id: $new{refused} connections were refused" if $new{refused} && !$fault->{refuses};
    push @wrong, "$id: $new{cut} connections were cut" if $new{cut} && !$fault->{cuts};
    push @wrong, "$id: $new{stuck} answers did not come" if $new{stuck};
    push @wrong, "$id: $new{other} answers were not 200, the last one: $now->{last}" if $new{other};
    push @wrong, "$id: $new{taken} keepalives were acknowledged, $new{counted} counted"
        if $new{counted} < $new{taken} && !$fault->{forgets};
    push @wrong, "$id: $new{taken} keepalives were acknowledged, $unanswered not, $new{counted} counted"
        if $new{counted} > $new{taken} + $unanswered;
    my $names = join ' ', map { $_->{event} } $self->_events($id);
    my $silences = () = $names =~ /offline/g;
    push @wrong, "$id: is announced as $names, but was silent $now->{gaps} times"
        if $names !~ /\Aconnected(?: offline connected)*\z/ || $silences > $now->{gaps};
    $self->{seen}{$id} = $now;
    $self->{load}{$_} += $new{$_} for grep { exists $new{$_} } keys %{ $self->{load} };
    $self->{load}{forgotten} += $new{taken} - $new{counted} if $new{counted} < $new{taken};
    return @wrong;
}

# The module of the tests tells whether its registry is sound, in a header.
sub _check_registry {
    my ($self) = @_;
    my (undef, undef, $answer) = $self->{httpd}->api('POST', '/keepalive',
        { headers => { 'X-Test-Validate' => 1 }, content => '{}' });
    my $verdict = $answer->{headers}{'x-test-registry'} // 'no answer';
    return $verdict eq 'sound' ? () : "the registry: $verdict";
}

# --- the bot --------------------------------------------------------------------------------------

# Asks the bot something, unless it was asked often enough; by the clock of the server.
sub _ask {
    my ($self) = @_;
    my $now = int time;
    $self->{asked} = [ grep { $_ > $now - 60 } @{ $self->{asked} } ];
    return if @{ $self->{asked} } >= $QUESTIONS;
    push @{ $self->{asked} }, $now;
    $self->{ledger}->asks($self->{bot}->say('/ping', date => $now + $self->{step}));
}

# --- events ---------------------------------------------------------------------------------------

# Who may have events; "" for the server itself.
sub _ids {
    my ($self) = @_;
    return ('', (map { $_->{id} } @{ $self->{clients} }, @{ $self->{guests} }), map { $_->id } @{ $self->{loads} });
}

# The events of a client: what the API tells, behind what it told earlier.
sub _events {
    my ($self, $id) = @_;
    my $query = $id eq '' ? '?limit=1000' : "?limit=1000&client=$id";
    my (undef, $list) = $self->{httpd}->api('GET', "/events$query");
    my @events = grep { ($_->{client_id} // '') eq $id } reverse @{ $list->{events} // [] };
    my @archived = @{ $self->{archive}{$id} // [] };
    my %archived = map { $_->{message} => 1 } @archived;
    return (@archived, grep { !$archived{ $_->{message} } } @events);
}

# Keeps what was told until now: it may go with its store, or with its time.
sub archive {
    my ($self) = @_;
    $self->{archive}{$_} = [ $self->_events($_) ] for $self->_ids;
}

# Waits until all that happened is announced; returns what is not, or too often.
sub settle {
    my ($self) = @_;
    my @open;
    $self->await(sub {
        $self->note_silence($_) for grep { $_->{silent} } @{ $self->{clients} };
        @open = $self->{ledger}->open_accounts(sub { map { $_->{event} } $self->_events($_[0]) });
        return !@open;
    });
    return @open;
}

1;
