package AlertText;

=head1 NAME

AlertText - what an alert or a digest of alerts says

=head1 SYNOPSIS

    my $alert = AlertText::parse(($bot->alerts)[0]{plain});
    is($alert->{total}, 9746);
    is(join(' ', @{ $alert->{odd} }), '');

=head1 DESCRIPTION

=head2 parse(TEXT)

Reads a message without its markup. Returns a hash:

    text      of a single alert: as the API tells the event, which is without how long it is ago and
              without the note that the client flaps; undef of a digest
    total     how many alerts it tells
    counts    how many of each title
    told      who is named, in order: a list of hashes of client ("" = the server), title, count;
              in a digest also clock, "15:30:00" of the newest, and now, the newest title of one
              that flaps
    unnamed   how many clients are counted, but not named
    flapping  the clients of the section on flapping
    muted     "2 h" when it is what came during a mute
    fleet     when it tells of all clients: a hash of green, yellow, red, grey and total
    odd       the lines that it cannot read, or whose numbers are wrong; should be empty

=cut

use strict;
use warnings;
use utf8;

use List::Util qw(sum0);

my @OF_CLIENTS = (
    '⚠️ VPN BYPASS WARNING', '🔴 VPN Disconnected', '⚠️ IPV6 LEAK DETECTED', '⚠️ DNS LEAK DETECTED',
    '❌ Client Offline', '🔄 IP Address Changed', '🗑️ Client Forgotten', '✅ VPN Reconnected',
    '✅ VPN Bypass Over', '✅ IPv6 Leak Over', '✅ DNS Leak Over', '✅ VPN Connected!',
);
my %OF_SERVER = map { $_ => 1 } '🔄 Server IP Changed', '🚀 VPN Sentinel Started';
my ($TITLE) = map { qr/$_/ } join '|', map { quotemeta } @OF_CLIENTS, keys %OF_SERVER;
my $LIGHTS = qr/🟢 (\d+) green · 🟡 (\d+) yellow · 🔴 (\d+) red · ⚫ (\d+) grey/;
my $KINDS = qr/$TITLE(?: ×\d+)?(?:, $TITLE(?: ×\d+)?)*/;

sub parse {
    my ($text) = @_;
    my @line = split /\n/, $text, -1;
    return $line[-1] =~ /\ATime: / ? _single(@line) : _digest(@line);
}

sub _single {
    my ($first, @line) = @_;
    my ($title, $client) = $first =~ /\A($TITLE)(?:(?:(?<=!)|:) (.+))?\z/;
    $line[-1] =~ s/ \([^()]+ ago\)\z//;
    my $is_known = defined $title;
    $client //= '';
    return {
        text => join("\n", $first, grep { !/\A🔁 Flapping: / } @line),
        total => 1,
        counts => { $is_known ? ($title => 1) : () },
        told => [ $is_known ? { client => $client, title => $title, count => 1 } : () ],
        unnamed => 0,
        flapping => [],
        odd => [ $is_known ? () : $first ],
    };
}

sub _digest {
    my ($first, @line) = @_;
    my %digest = (counts => {}, told => [], unnamed => 0, flapping => [], odd => []);
    my @heading = _headings($first);
    push @{ $digest{odd} }, $first if !@heading;
    $digest{total} = sum0(map { $_->{alerts} } @heading);
    $digest{counts}{ $_->{title} } = $_->{alerts} for grep { defined $_->{title} } @heading;
    # When all are of one kind, the first line may be the title of the only section.
    my @section = $heading[0] // {};
    for my $line (grep { $_ ne '' } @line) {
        my ($title) = _headings($line);
        if ($title) {
            push @section, $title;
        } elsif ($line =~ /\A🔁 Flapping: (\d+) clients?\z/) {
            push @section, { is_flapping => 1, clients => $1 };
        } elsif (!_read_end(\%digest, $line) && !_read_line($section[-1], $line)) {
            push @{ $digest{odd} }, $line;
        }
    }
    shift @section if @section > 1 && !$section[0]{lines};
    _add_section(\%digest, $_) for @section;
    my $told = sum0(map { $_->{count} } @{ $digest{told} });
    _check(\%digest, 'alerts in all' => $digest{total}, $told) if !$digest{unnamed};
    return \%digest;
}

# "TITLE: 12, TITLE: 12, of 9 clients, + 2 more": a hash for each; none when it is no such line.
sub _headings {
    my ($line) = @_;
    my @heading;
    while ($line =~ /\G(?:, )?($TITLE): (\d+)(?:, of (\d+) clients?)?/gc) {
        push @heading, { title => $1, alerts => $2 };
        $OF_SERVER{$1} ? $heading[-1]{is_server} = 1 : $heading[-1]{clients} = $3 // $2;
    }
    push @heading, { alerts => $1 } if @heading && $line =~ /\G, \+ (\d+) more/gc;
    return $line =~ /\G\z/ ? @heading : ();
}

# A line that is about the whole.
sub _read_end {
    my ($digest, $line) = @_;
    if ($line =~ /\A🔕 While muted \((.+)\): (\d+) alerts?\z/) {
        $digest->{muted} = $1;
        return $2 == $digest->{total};
    }
    my @number = $line =~ /\ANow: $LIGHTS, (\d+) clients?\z/ or return 0;
    @{ $digest->{fleet} }{qw(green yellow red grey total)} = @number;
    return $number[4] == sum0(@number[ 0 .. 3 ]);
}

# A line of a section. Returns whether it can be read.
sub _read_line {
    my ($section, $line) = @_;
    if ($line =~ /\A… and (\d+) more(?: clients?)?\z/) {
        $section->{more} = $1;
    } elsif ($section->{is_server}) {
        my ($clock) = $line =~ /(?:\A|· )(?:\d{4}-\d\d-\d\d )?(\d\d:\d\d:\d\d)\z/ or return 0;
        push @{ $section->{told} },
            { client => '', title => $section->{title}, count => 1, clock => $clock };
    } elsif ($section->{is_flapping}) {
        my ($client, $kinds, $now) = $line =~ /\A(.+?): ($KINDS)(?: in [\w ]+)?, now ($TITLE)\z/
            or return 0;
        push @{ $section->{told} },
            { client => $client, title => $1, count => $2 // 1, now => $now }
            while $kinds =~ /($TITLE)(?: ×(\d+))?/g;
    } else {
        my ($client, $count, $clock) =
            $line =~ /\A(.+?)(?: ×(\d+))?(?::| ·) .*(\d\d:\d\d:\d\d)\z/ or return 0;
        push @{ $section->{told} }, { client => $client, title => $section->{title},
            count => $count // 1, clock => $clock };
    }
    $section->{lines}++;
    return 1;
}

sub _check {
    my ($digest, $what, $told, $counted) = @_;
    push @{ $digest->{odd} }, "$told $what, but $counted" if defined $told && $told != $counted;
    return;
}

sub _add_section {
    my ($digest, $section) = @_;
    my @told = @{ $section->{told} // [] };
    push @told, { client => '', title => $section->{title}, count => $section->{more} }
        if $section->{is_server} && $section->{more};
    push @{ $digest->{told} }, @told;
    my %client = map { $_->{client} => 1 } @told;
    push @{ $digest->{flapping} }, sort keys %client if $section->{is_flapping};
    my $more = $section->{is_server} ? 0 : $section->{more} // 0;
    $digest->{unnamed} += $more;
    _check($digest, clients => $section->{clients}, $more + keys %client);
    _check($digest, alerts => $section->{alerts}, sum0(map { $_->{count} } @told)) if !$more;
    return;
}

1;
