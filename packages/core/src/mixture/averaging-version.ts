/** To be raised with any change after which the same models and weights may give a soup of other bits. */
export const AVERAGING_VERSION = 2;
