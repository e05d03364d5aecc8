package Lab::Table;

=head1 NAME

Lab::Table - what the scenarios of the lab came to

=head1 DESCRIPTION

add(SCENARIO, TUNNEL, EXPECTED, SEEN, SECONDS) adds a row; SECONDS may be undef.
text() is the table in Markdown, append(FILE) adds its rows, without the heading, to a file.
heading() is its first two lines.

=cut

use strict;
use warnings;
use utf8;

sub new {
    my ($class) = @_;
    return bless { rows => [] }, $class;
}

sub add {
    my ($self, $scenario, $tunnel, $expected, $seen, $seconds) = @_;
    $seen = 'as expected' if $seen eq $expected;
    push @{ $self->{rows} }, [ $scenario, $tunnel, $expected, $seen,
        defined $seconds ? sprintf '%.1f', $seconds : '–' ];
    return;
}

sub heading {
    return "| scenario | tunnel | expected | seen | seconds from fault to message |\n"
        . "|---|---|---|---|---|\n";
}

sub _rows {
    my ($self) = @_;
    return join '', map { '| ' . join(' | ', @$_) . " |\n" } @{ $self->{rows} };
}

sub text {
    my ($self) = @_;
    return heading() . $self->_rows;
}

sub append {
    my ($self, $file) = @_;
    open my $out, '>>:encoding(UTF-8)', $file or die "$file: $!";
    print {$out} $self->_rows;
    close $out or die "$file: $!";
    return;
}

1;
